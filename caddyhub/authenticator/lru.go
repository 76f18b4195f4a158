package authenticator

import "container/list"

// lru keeps the most recently used values of a bounded number of keys. It is not
// safe for concurrent use.
type lru[K comparable, V any] struct {
	limit   int
	make    func() V
	entries map[K]*list.Element // of entry[K, V]
	recent  *list.List          // front is the latest
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](limit int, make func() V) *lru[K, V] {
	return &lru[K, V]{limit: limit, make: make, entries: map[K]*list.Element{}, recent: list.New()}
}

// peek returns the value of a key if there is one, and makes nothing of it.
func (l *lru[K, V]) peek(key K) (value V, there bool) {
	element, there := l.entries[key]
	if there {
		value = element.Value.(entry[K, V]).value
	}
	return value, there
}

// get returns the value of a key and makes it if there is none.
func (l *lru[K, V]) get(key K) V {
	if element, there := l.entries[key]; there {
		l.recent.MoveToFront(element)
		return element.Value.(entry[K, V]).value
	}
	for len(l.entries) >= l.limit {
		oldest := l.recent.Back()
		l.recent.Remove(oldest)
		delete(l.entries, oldest.Value.(entry[K, V]).key)
	}
	value := l.make()
	l.entries[key] = l.recent.PushFront(entry[K, V]{key, value})
	return value
}

func (l *lru[K, V]) drop(key K) {
	if element, there := l.entries[key]; there {
		l.recent.Remove(element)
		delete(l.entries, key)
	}
}
