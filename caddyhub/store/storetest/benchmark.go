package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Benchmark measures a store: reading and writing one record, reading a page of
// a list, and many writers at once.
func Benchmark(b *testing.B, s store.Store) {
	const records = 5000
	key := func(i int) store.Key { return store.Key{Kind: "user", ID: fmt.Sprintf("%06d", i%records)} }
	value := make([]byte, 300)
	for from := 0; from < records; from += 1000 {
		update(b, s, func(w store.Writer) error {
			for i := range 1000 {
				if err := w.Put(key(from+i), value, never); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.Run("Get", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, found := get(b, s, key(i)); !found {
				b.Fatal("not found")
			}
		}
	})
	b.Run("List100", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			list(b, s, "user", store.Page{After: key(i % (records - 200)).ID, Limit: 100})
		}
	})
	b.Run("Put", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			put(b, s, key(i), "x", never)
		}
	})
	b.Run("PutBy64", func(b *testing.B) {
		var next atomic.Int64
		total := int64(b.N)
		b.ResetTimer()
		together(func(int) {
			for i := next.Add(1); i <= total; i = next.Add(1) {
				id := store.Key{Kind: "other", ID: strconv.FormatInt(i, 10)}
				if err := s.Update(context.Background(), func(w store.Writer) error { return w.Put(id, value, never) }); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
