package lease

import "testing"

func TestOutlived(t *testing.T) {
	self := NewHolder("east")
	for _, test := range []struct {
		name  string
		other Holder
		want  bool
	}{
		{"itself", self, false},
		{"another part of this process", NewHolder("east"), false},
		{"an earlier process of our number", Holder{Node: "east", Process: "x", PID: self.PID}, true},
		{"a process that runs", Holder{Node: "east", Process: "x", PID: 1}, false},
		{"a process that has ended", Holder{Node: "east", Process: "x", PID: 1 << 30}, true},
		{"a process of another machine", Holder{Node: "west", Process: "x", PID: 1 << 30}, false},
	} {
		if got := self.Outlived(test.other); got != test.want {
			t.Errorf("%s: dead is %v", test.name, got)
		}
	}
}
