package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestGroupLife creates, fills, lists, changes and deletes groups on both stores.
func TestGroupLife(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		for _, name := range []string{"ada", "bob", "eve"} {
			f.newUser(t, name)
		}
		f.do(t, func(w store.Writer) error {
			for _, name := range []string{"zoo", "a/b", "mid"} {
				if _, err := CreateGroup(w, name); err != nil {
					return err
				}
			}
			return errors.Join(AddMembers(w, "zoo", []string{"eve", "ada", "eve"}), AddMembers(w, "a/b", []string{"ada"}))
		})
		for query, want := range map[*GroupQuery]string{
			{All: true, Limit: 9}: "3 zoo a/b mid", {All: true, Limit: 1, Offset: 1}: "3 a/b", {All: true, Offset: 7, Limit: 9}: "3",
			{Names: []string{"mid", "zoo", "nope"}, Limit: 9}: "2 zoo mid", {Limit: 9}: "0", {All: true, Offset: -1, Limit: -1}: "3",
		} {
			got := ""
			f.read(t, func(r store.Reader) error {
				page, total, err := ListGroups(r, *query)
				got = fmt.Sprint(total)
				for _, group := range page {
					got += " " + group.Name
				}
				return err
			})
			if got != want {
				t.Errorf("%+v: %s, want %s", *query, got, want)
			}
		}
		for name, c := range map[string]struct {
			change func(store.Writer) error
			want   error
		}{
			"taken":         {func(w store.Writer) error { _, err := CreateGroup(w, "zoo"); return err }, ErrExists},
			"empty":         {func(w store.Writer) error { _, err := CreateGroup(w, ""); return err }, ErrName},
			"long":          {func(w store.Writer) error { _, err := CreateGroup(w, strings.Repeat("ä", 100)); return err }, ErrName},
			"no user":       {func(w store.Writer) error { return AddMembers(w, "zoo", []string{"bob", "nobody"}) }, ErrNotFound},
			"no group":      {func(w store.Writer) error { return AddMembers(w, "nope", []string{"bob"}) }, ErrNotFound},
			"no properties": {func(w store.Writer) error { _, err := SetGroupProperties(w, "nope", nil); return err }, ErrNotFound},
			"not deleted":   {func(w store.Writer) error { return DeleteGroup(w, "nope") }, ErrNotFound},
		} {
			if err := f.store.Update(t.Context(), c.change); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		f.do(t, func(w store.Writer) error {
			if _, err := SetGroupProperties(w, "zoo", []byte(`{"a":1}`)); err != nil {
				return err
			}
			return RemoveMembers(w, "zoo", []string{"nobody", "bob", "eve"})
		})
		var members []string
		var zoo Group
		f.read(t, func(r store.Reader) (err error) {
			if members, err = Members(r, "zoo"); err == nil {
				zoo, err = GetGroup(r, "zoo")
			}
			return err
		})
		if !slices.Equal(members, []string{"ada"}) || string(zoo.Properties) != `{"a":1}` {
			t.Errorf("zoo has %v and %s", members, zoo.Properties)
		}
		f.do(t, func(w store.Writer) error { return DeleteGroup(w, "zoo") })
		if left := mentions(t, f, "zoo"); len(left) > 0 {
			t.Errorf("of the group are left: %v", left)
		}
		if ada, err := f.User(t.Context(), "ada"); err != nil || !slices.Equal(ada.Groups, []string{"a/b"}) {
			t.Errorf("ada is in %v, %v", ada.Groups, err)
		}
	})
}

// TestRuntimeServiceLife: a service that is made at runtime has what it is given
// and nothing that the operator gives to its name later; nothing is left of it.
func TestRuntimeServiceLife(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		const secret = "token-of-made"
		f.do(t, func(w store.Writer) error {
			service := Service{Name: "made", Admin: true, Configured: true, Roles: []string{"reader"}}
			return f.CreateService(w, service, secret)
		})
		made, err := f.Service(t.Context(), "made")
		if err != nil || made.Configured || len(made.Roles) > 0 || !made.Admin {
			t.Fatalf("%+v, %v", made, err)
		}
		for name, want := range map[*Service]error{{Name: "made"}: ErrExists, {Name: ""}: ErrName, {Name: "other"}: ErrExists} {
			err := f.store.Update(t.Context(), func(w store.Writer) error { return f.CreateService(w, *name, secret) })
			if !errors.Is(err, want) {
				t.Errorf("%q: %v", name.Name, err)
			}
		}
		err = f.store.Update(t.Context(), func(w store.Writer) error { return f.CreateService(w, Service{Name: "other"}, "short") })
		if !errors.Is(err, ErrSecret) {
			t.Errorf("short token: %v", err)
		}
		f.apply(t, Configuration{}) // a restart leaves it alone
		if found, err := f.ByToken(t.Context(), secret); err != nil || found.Service.Name != "made" {
			t.Errorf("after a restart: %v", err)
		}
		f.do(t, func(w store.Writer) error { return f.DeleteService(w, "made") })
		if left := mentions(t, f, "made"); len(left) > 0 {
			t.Errorf("of the service are left: %v", left)
		}
		if _, err := f.ByToken(t.Context(), secret); !errors.Is(err, ErrInvalid) {
			t.Errorf("its token: %v", err)
		}
		err = f.store.Update(t.Context(), func(w store.Writer) error { return f.DeleteService(w, "made") })
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}
