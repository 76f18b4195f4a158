package spawner

import (
	"errors"
	"testing"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "8G": 8 << 30, "1.5K": 1536, "512M": 512 << 20, "2T": 2 << 40, "0.5G": 512 << 20,
	} {
		if got, err := ParseSize(text); got != want || err != nil {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0G", "-1G", "8g", "8GB", "G", "1e3", "1,5G", " 8G", "8 G", "0x10", "9999999999999T", "0.0001K", "NaN", "Inf"} {
		if got, err := ParseSize(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseSize(%q) = %d, %v", text, got, err)
		}
	}
}

func TestParseCores(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "0.5": 0.5, "64": 64} {
		if got, err := ParseCores(text); got != want || err != nil {
			t.Errorf("ParseCores(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0.0", "-1", "1e9", "2000000", "+1", "NaN", "Inf", "0x1", "1_0"} {
		if got, err := ParseCores(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseCores(%q) = %v, %v", text, got, err)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("8G")
	f.Add("1.5K")
	f.Fuzz(func(t *testing.T, text string) {
		if size, err := ParseSize(text); err == nil && size <= 0 {
			t.Errorf("ParseSize(%q) = %d", text, size)
		}
		if cores, err := ParseCores(text); err == nil && !(cores > 0) {
			t.Errorf("ParseCores(%q) = %v", text, cores)
		}
	})
}
