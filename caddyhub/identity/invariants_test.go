package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// reporter is what testing.T and rapid.T have in common.
type reporter interface {
	Helper()
	Fatalf(format string, arguments ...any)
}

// checkIndexes compares every index with the records that it leads to, both
// ways, with their ends.
func checkIndexes(t reporter, f *fixture) {
	t.Helper()
	err := f.store.View(context.Background(), func(r store.Reader) error {
		want, got := make(map[string]string), make(map[string]string)
		for _, collect := range []func(store.Reader, map[string]string) error{wantOfUsers, wantOfGroups, wantOfServices, wantOfSessions, wantOfTokens} {
			if err := collect(r, want); err != nil {
				return err
			}
		}
		for _, kind := range []string{"user_number", "group_member", "role_member", "session_of_user", "token_of_owner", "token_of_client"} {
			records, err := r.List(kind, store.Page{})
			if err != nil {
				return err
			}
			for _, record := range records {
				got[kind+":"+record.Key.ID] = record.Expires.String()
			}
		}
		moments, err := r.List("activity", store.Page{Prefix: "token/"})
		if err != nil {
			return err
		}
		for _, record := range moments {
			got["activity:"+record.Key.ID] = record.Expires.String()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("indexes and records: %s", diff)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
}

var never = store.Record{}.Expires.String()

func wantOfUsers(r store.Reader, want map[string]string) error {
	return users.Each(r, "", func(item store.Item[User]) error {
		user := item.Value
		want["user_number:"+numberID(user.Number)] = never
		for _, group := range user.Groups {
			want["group_member:"+store.Join(group, user.Name)] = never
		}
		for _, role := range user.assigned() {
			want["role_member:"+store.Join(role, memberUser, user.Name)] = never
		}
		return nil
	})
}

func wantOfGroups(r store.Reader, want map[string]string) error {
	return groups.Each(r, "", func(item store.Item[Group]) error {
		for _, role := range item.Value.Roles {
			want["role_member:"+store.Join(role, memberGroup, item.Value.Name)] = never
		}
		return nil
	})
}

func wantOfServices(r store.Reader, want map[string]string) error {
	return services.Each(r, "", func(item store.Item[Service]) error {
		for _, role := range item.Value.assigned() {
			want["role_member:"+store.Join(role, memberService, item.Value.Name)] = never
		}
		return nil
	})
}

func wantOfSessions(r store.Reader, want map[string]string) error {
	return sessions.Each(r, "", func(item store.Item[Session]) error {
		want["session_of_user:"+store.Join(item.Value.User, item.ID)] = item.Expires.String()
		return nil
	})
}

func wantOfTokens(r store.Reader, want map[string]string) error {
	return tokens.Each(r, "", func(item store.Item[Token]) error {
		token := item.Value
		want["token_of_owner:"+token.ownerIndex()] = item.Expires.String()
		want["token_of_client:"+token.clientIndex()] = item.Expires.String()
		want["activity:"+ActivityOfToken(token.ID)] = item.Expires.String()
		return nil
	})
}

// mentions are the records whose id or value contains a text, of all kinds.
func mentions(t reporter, f *fixture, text string) (found []string) {
	t.Helper()
	err := f.store.View(context.Background(), func(r store.Reader) error {
		found = nil
		for _, kind := range allKinds {
			records, err := r.List(kind, store.Page{})
			if err != nil {
				return err
			}
			for _, record := range records {
				if strings.Contains(record.Key.ID, text) || strings.Contains(string(record.Value), text) {
					found = append(found, kind+":"+record.Key.ID)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	slices.Sort(found)
	return found
}

// allKinds of records that this package writes; TestAllKinds holds it to that.
var allKinds = []string{
	"activity", "counter", "external_login", "group", "group_member", "group_number", "oauth_client", "role", "role_member", "service", "session",
	"session_of_user", "token", "token_of_client", "token_of_owner", "user", "user_number",
}
