package server

import (
	"hash/fnv"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// alive are the Managers that are known to be there, this one among them.
func (m *Manager) alive(r store.Reader) ([]holder, error) {
	list := []holder{m.self}
	err := nodes.Each(r, "", func(item store.Item[holder]) error {
		if item.Value.Instance != m.self.Instance && !m.dead(item.Value) {
			list = append(list, item.Value)
		}
		return nil
	})
	return list, err
}

// responsible divides the servers: each falls to one Manager of the node that
// started it, or of all if that node is away.
func (m *Manager) responsible(s Server, alive []holder) bool {
	var best holder
	var most uint64
	near := false
	for _, h := range alive {
		same := h.Node == s.Node
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(h.Instance + "/" + s.SpawnID)) // never fails
		weight := sum.Sum64()
		if same && !near || same == near && weight >= most {
			best, most, near = h, weight, same
		}
	}
	return best.Instance == m.self.Instance
}
