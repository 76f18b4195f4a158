package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// writers is how many goroutines write at once.
const writers = 64

// together runs work in many goroutines at once and waits for them.
func together(work func(writer int)) {
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() { work(writer) })
	}
	group.Wait()
}

// persist runs an Update again as long as it loses against others.
func persist(ctx context.Context, s store.Store, write func(store.Writer) error) error {
	for {
		if err := s.Update(ctx, write); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

func number(r store.Reader, key store.Key) (int, error) {
	record, err := r.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(record.Value))
}

func putNumber(w store.Writer, key store.Key, n int) error {
	return w.Put(key, []byte(strconv.Itoa(n)), never)
}

func testCounters(t *testing.T, s store.Store, _ *Clock) {
	const rounds, counters = 8, 4
	key := func(i int) store.Key { return store.Key{Kind: "counter", ID: strconv.Itoa(i % counters)} }
	together(func(writer int) {
		for round := range rounds {
			err := persist(t.Context(), s, func(w store.Writer) error {
				n, err := number(w, key(writer+round))
				if err != nil {
					return err
				}
				return putNumber(w, key(writer+round), n+1)
			})
			if err != nil {
				t.Errorf("writer %d: %v", writer, err)
			}
		}
	})
	for i := range counters {
		record, _ := get(t, s, key(i))
		if want := strconv.Itoa(writers * rounds / counters); string(record.Value) != want {
			t.Errorf("counter %d stands at %s, want %s", i, record.Value, want)
		}
	}
}

// testTransfers moves amounts between accounts while others add them up.
func testTransfers(t *testing.T, s store.Store, _ *Clock) {
	const accounts, amount, rounds = 16, 100, 5
	account := func(i int) store.Key { return store.Key{Kind: "account", ID: fmt.Sprintf("%02d", i%accounts)} }
	for i := range accounts {
		put(t, s, account(i), strconv.Itoa(amount), never)
	}
	sums := map[string]func(store.Reader) (int, error){
		"Get":  func(r store.Reader) (int, error) { return sumByGet(r, accounts, account) },
		"List": sumByList,
	}
	var moving atomic.Bool
	moving.Store(true)
	var readers sync.WaitGroup
	for name, sum := range sums {
		readers.Go(func() {
			for moving.Load() {
				var total int
				err := s.View(t.Context(), func(r store.Reader) (err error) {
					total, err = sum(r)
					return err
				})
				if err != nil && !errors.Is(err, store.ErrConflict) || err == nil && total != accounts*amount {
					t.Errorf("a View by %s adds up %d, %v; want %d", name, total, err, accounts*amount)
				}
			}
		})
	}
	together(func(writer int) {
		for round := range rounds {
			from, to := account(writer), account(writer*7+round*3+1)
			err := persist(t.Context(), s, func(w store.Writer) error { return transfer(w, from, to, round+1) })
			if err != nil {
				t.Errorf("writer %d: %v", writer, err)
			}
		}
	})
	moving.Store(false)
	readers.Wait()
}

func transfer(w store.Writer, from, to store.Key, amount int) error {
	for key, change := range map[store.Key]int{from: -amount, to: amount} {
		if from == to {
			return nil
		}
		n, err := number(w, key)
		if err != nil {
			return err
		}
		if err := putNumber(w, key, n+change); err != nil {
			return err
		}
	}
	return nil
}

func sumByGet(r store.Reader, accounts int, account func(int) store.Key) (total int, err error) {
	for i := range accounts {
		n, err := number(r, account(i))
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func sumByList(r store.Reader) (total int, err error) {
	page := store.Page{Limit: 3}
	for {
		records, err := r.List("account", page)
		if err != nil {
			return 0, err
		}
		for _, record := range records {
			n, err := strconv.Atoi(string(record.Value))
			if err != nil {
				return 0, err
			}
			total += n
			page.After = record.Key.ID
		}
		if len(records) < page.Limit {
			return total, nil
		}
	}
}

// testCountedList holds a limit by counting a list, as the limit of active
// servers is held: a store that overlooks phantoms lets too many through.
func testCountedList(t *testing.T, s store.Store, clock *Clock) {
	const limit = 10
	full := errors.New("full")
	var admitted atomic.Int64
	// One that expires in the middle must not count, and not confuse.
	put(t, s, store.Key{Kind: "active", ID: "ada/old"}, "", clock.Now().Add(time.Minute))
	clock.Advance(time.Minute)
	together(func(writer int) {
		err := persist(t.Context(), s, func(w store.Writer) error {
			records, err := w.List("active", store.Page{Prefix: "ada/"})
			if err != nil {
				return err
			}
			if len(records) >= limit {
				return full
			}
			id := store.Join("ada", strconv.Itoa(writer))
			if writer == 7 {
				id = "ada/old"
			}
			return w.Put(store.Key{Kind: "active", ID: id}, nil, never)
		})
		if err == nil {
			admitted.Add(1)
		} else if err != full {
			t.Errorf("writer %d: %v", writer, err)
		}
	})
	if got := len(list(t, s, "active", store.Page{})); got != limit || admitted.Load() != limit {
		t.Errorf("%d records, %d writers admitted; the limit is %d", got, admitted.Load(), limit)
	}
}

// testWriteSkew lets two transactions read what the other writes.
func testWriteSkew(t *testing.T, s store.Store, _ *Clock) {
	for round := range 20 {
		keys := [2]store.Key{{Kind: "doctor", ID: strconv.Itoa(round) + "a"}, {Kind: "doctor", ID: strconv.Itoa(round) + "b"}}
		put(t, s, keys[0], "1", never)
		put(t, s, keys[1], "1", never)
		// One of them must stay on duty, so only one may leave.
		together(func(writer int) {
			if writer > 3 {
				return
			}
			err := persist(t.Context(), s, func(w store.Writer) error {
				on := 0
				for _, key := range keys {
					n, err := number(w, key)
					if err != nil {
						return err
					}
					on += n
				}
				if on < 2 {
					return nil
				}
				return putNumber(w, keys[writer%2], 0)
			})
			if err != nil {
				t.Error(err)
			}
		})
		a, _ := get(t, s, keys[0])
		b, _ := get(t, s, keys[1])
		if string(a.Value)+string(b.Value) == "00" {
			t.Fatalf("round %d: both left", round)
		}
	}
}
