package identity

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Tokens lists the live tokens of an owner, the oldest first.
func Tokens(r store.Reader, owner Owner) ([]Token, error) {
	return tokensUnder(r, ownerTokens, owner.under())
}

// ClientTokens lists the live tokens that an OAuth client has of an owner; of
// everybody if the owner is zero.
func ClientTokens(r store.Reader, clientID string, owner Owner) ([]Token, error) {
	prefix := store.Under(clientID)
	if owner != (Owner{}) {
		prefix = store.Under(clientID, owner.Kind(), owner.Name())
	}
	return tokensUnder(r, clientTokens, prefix)
}

func tokensUnder(r store.Reader, index store.Collection[string], prefix string) ([]Token, error) {
	var list []Token
	err := index.Each(r, prefix, func(item store.Item[string]) error {
		token, found, err := tokens.Find(r, item.Value)
		if found {
			list = append(list, token)
		}
		return err
	})
	return list, err
}

// GetToken returns a token of an owner by its id ("a12"), or ErrNotFound.
func GetToken(r store.Reader, owner Owner, id string) (Token, error) {
	token, _, err := getToken(r, owner, id)
	return token, err
}

func getToken(r store.Reader, owner Owner, id string) (Token, string, error) {
	number, ok := tokenNumber(id)
	if !ok {
		return Token{}, "", fmt.Errorf("%w: token", ErrNotFound)
	}
	hash, err := ownerTokens.Get(r, owner.under()+number)
	if err != nil {
		return Token{}, "", notFound(err, "token", id)
	}
	token, err := tokens.Get(r, hash)
	return token, hash, notFound(err, "token", id)
}

// DeleteToken revokes a token of an owner; one that was issued to an OAuth
// client other than the hub takes along all others that this client has of the
// owner. ErrNotFound if there is none of that id.
func (d *Directory) DeleteToken(ctx context.Context, owner Owner, id string) error {
	return d.store.Update(ctx, func(w store.Writer) error {
		token, hash, err := getToken(w, owner, id)
		if err != nil {
			return err
		}
		if token.ClientID == HubClient {
			return deleteToken(w, hash, token)
		}
		return deleteTokens(w, owner, func(other Token) bool { return other.ClientID == token.ClientID })
	})
}

// DeleteClientTokens revokes all tokens that were issued to an OAuth client,
// inside a transaction.
func DeleteClientTokens(w store.Writer, clientID string) error {
	return clientTokens.Each(w, store.Under(clientID), func(item store.Item[string]) error {
		token, found, err := tokens.Find(w, item.Value)
		if err != nil || !found {
			return err
		}
		return deleteToken(w, item.Value, token)
	})
}

// DeleteTokenIn revokes one token of an owner, inside a transaction; that it is
// absent is not an error.
func DeleteTokenIn(w store.Writer, owner Owner, id string) error {
	token, hash, err := getToken(w, owner, id)
	if _, ok, err := found(token, err); err != nil || !ok {
		return err
	}
	return deleteToken(w, hash, token)
}

// deleteTokens revokes the tokens of an owner that match; nil means all.
func deleteTokens(w store.Writer, owner Owner, match func(Token) bool) error {
	return ownerTokens.Each(w, owner.under(), func(item store.Item[string]) error {
		token, found, err := tokens.Find(w, item.Value)
		if err != nil || !found || match != nil && !match(token) {
			return err
		}
		return deleteToken(w, item.Value, token)
	})
}

func deleteToken(w store.Writer, hash string, token Token) error {
	if err := tokens.Delete(w, hash); err != nil {
		return err
	}
	if err := ownerTokens.Delete(w, token.ownerIndex()); err != nil {
		return err
	}
	if err := activities.Delete(w, ActivityOfToken(token.ID)); err != nil {
		return err
	}
	return clientTokens.Delete(w, token.clientIndex())
}

func (t Token) ownerIndex() string {
	number, _ := tokenNumber(t.ID)
	return t.Owner.under() + number
}

func (t Token) clientIndex() string {
	number, _ := tokenNumber(t.ID)
	return store.Under(t.ClientID, t.Owner.Kind(), t.Owner.Name()) + number
}

// IsTokenID says whether a text has the form of the id of a token, "a17". A token
// that the hub has made never has.
func IsTokenID(text string) bool {
	_, is := tokenNumber(text)
	return is
}

// TokenOfIndex is the id of the token that a record of KindTokenOfOwner is about,
// "a17", by the id of the record; ok is false for what is no such id.
func TokenOfIndex(id string) (token string, ok bool) {
	parts, err := store.Split(id)
	if err != nil || len(parts) != 3 {
		return "", false
	}
	number, err := strconv.ParseUint(parts[2], 16, 64)
	return "a" + strconv.FormatUint(number, 10), err == nil
}

// tokenNumber is a token's id such that ids sort in the order of creation.
func tokenNumber(id string) (string, bool) {
	digits, ok := strings.CutPrefix(id, "a")
	number, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || strconv.FormatUint(number, 10) != digits {
		return "", false
	}
	return numberID(number), true
}
