package route

import (
	"strings"
	"time"
)

// MaxNameLength is how long the names in Data may be, in bytes: one that is longer
// fits no routespec and is nobody's.
const MaxNameLength = 1000

// Entry is a Route in a Table, held in few bytes: all its texts are one string.
// It is shared by all readers and never changes. What it returns are pieces of that
// string: asking allocates nothing.
type Entry struct {
	// text is the routespec, the target, the three names and Extra, one behind the
	// other.
	text string
	// ends says where each of them ends but the last.
	ends [extraPart]uint16
	// last is where the last segment of the routespec begins, or the host of a root.
	last uint16
	flags
	// added is in milliseconds since 1970; zero means that the hub made the route.
	added    int64
	activity *Activity
}

// The parts of the text of an Entry.
const (
	specPart = iota
	targetPart
	userPart
	serverPart
	servicePart
	extraPart
)

// flags are the truth values of Data.
type flags uint8

const (
	hubFlag flags = 1 << iota
	publicFlag
	defaultFlag
)

// newEntry makes the entry of a route that is valid, in the place of the one that
// was known before, if there was one. It is the one that was known if nothing has
// changed.
func newEntry(r *Route, known *Entry) *Entry {
	if known != nil && known.is(r) {
		return known
	}
	e := &Entry{added: milliseconds(r.Added)}
	parts := [...]string{r.Spec.text, r.Target.text, r.Data.User, r.Data.ServerName, r.Data.Service}
	end := 0
	for i, part := range parts {
		end += len(part)
		e.ends[i] = uint16(end) // valid routes are far shorter
	}
	e.text = strings.Join(append(parts[:], string(r.Data.Extra)), "")
	e.last = uint16(strings.LastIndexByte(e.text[:e.ends[specPart]-1], '/') + 1)
	e.flags = flagsOf(r.Data)
	e.succeed(known)
	return e
}

// is says that the entry is that of a route.
func (e *Entry) is(r *Route) bool {
	return e.Spec() == r.Spec && e.Target() == r.Target && e.Data() == r.Data && e.added == milliseconds(r.Added)
}

func flagsOf(data Data) (set flags) {
	if data.Hub {
		set |= hubFlag
	}
	if data.Public {
		set |= publicFlag
	}
	if data.Default {
		set |= defaultFlag
	}
	return set
}

// succeed takes over the activity of the entry that was in the same place before,
// if it is the same route, read once more. Otherwise its activity begins when it
// was added.
func (e *Entry) succeed(known *Entry) {
	if known != nil && known.added == e.added && known.Target() == e.Target() {
		e.activity = known.activity
		return
	}
	e.activity = new(Activity)
	e.activity.learn(e.added) // it is in the route
}

func (e *Entry) part(i int) string {
	begin, end := 0, len(e.text)
	if i > specPart {
		begin = int(e.ends[i-1])
	}
	if i < extraPart {
		end = int(e.ends[i])
	}
	return e.text[begin:end]
}

// Spec is where the route begins.
func (e *Entry) Spec() Spec { return Spec{e.part(specPart)} }

// Target is the upstream.
func (e *Entry) Target() Target { return Target{e.part(targetPart)} }

// Data says what is behind the route.
func (e *Entry) Data() Data {
	return Data{
		Hub: e.flags&hubFlag != 0, Public: e.flags&publicFlag != 0, Default: e.flags&defaultFlag != 0,
		User: e.part(userPart), ServerName: e.part(serverPart), Service: e.part(servicePart),
		Extra: Object(e.part(extraPart)),
	}
}

// Route is the route as it was given to the Table, its time to the millisecond.
func (e *Entry) Route() Route {
	r := Route{Spec: e.Spec(), Target: e.Target(), Data: e.Data()}
	if e.added != 0 {
		r.Added = time.UnixMilli(e.added).UTC()
	}
	return r
}

// Foreign says that the route was added through the API of
// configurable-http-proxy, whose clients alone change it.
func (e *Entry) Foreign() bool { return e.part(extraPart) != "" }

// Activity is when the route was last used.
func (e *Entry) Activity() *Activity { return e.activity }

// milliseconds since 1970, zero for no time at all.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// key is the last segment of the routespec, or the host of a root: under it the
// route stands in the tree.
func (e *Entry) key() string { return e.text[e.last : e.ends[specPart]-1] }
