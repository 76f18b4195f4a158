package spawner

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// sizePattern is a number of bytes as JupyterHub writes it (ByteSpecification).
var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([KMGT]?)$`)

// ParseSize reads an amount of memory in bytes: a number and one of the letters
// K, M, G and T, which are powers of 1024; without a letter it is bytes. What is
// no size, or none above zero, is ErrInvalid.
func ParseSize(text string) (int64, error) {
	found := sizePattern.FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("%w: %q is not a size; write a number and K, M, G or T, such as 8G", ErrInvalid, text)
	}
	number, err := strconv.ParseFloat(found[1], 64)
	power := map[string]int{"": 0, "K": 1, "M": 2, "G": 3, "T": 4}[found[2]]
	bytes := number * math.Pow(1024, float64(power))
	if err != nil || bytes < 1 || bytes >= math.MaxInt64 {
		return 0, fmt.Errorf("%w: %q is not a size that a server can have", ErrInvalid, text)
	}
	return int64(bytes), nil
}

var coresPattern = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// maxCores is more than any machine has.
const maxCores = 1 << 20

// ParseCores reads a number of processor cores above zero, such as 0.5 or 4.
// What is none is ErrInvalid.
func ParseCores(text string) (float64, error) {
	cores, err := strconv.ParseFloat(text, 64)
	if err != nil || !coresPattern.MatchString(text) || cores <= 0 || cores > maxCores {
		return 0, fmt.Errorf("%w: %q is not a number of cores, such as 0.5 or 4", ErrInvalid, text)
	}
	return cores, nil
}
