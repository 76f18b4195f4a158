package exchange

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const (
	// HoldLifetime is how long a person may take to answer whether to log in.
	HoldLifetime = 5 * time.Minute
	// maxHandle bounds what is hashed for a handle that cannot be ours.
	maxHandle = 128

	purposeHandle = "exchange handle"
	purposeHeld   = "exchange held"
)

// held is an arrival that waits for its browser, sealed.
type held struct {
	Sealed []byte `json:"sealed"`
}

// waiting are held arrivals by the keyed hash of their handle.
var waiting = store.Collection[held]{Kind: "exchange_held"}

// Hold keeps an arrival for a browser and returns the handle that the browser has
// of it: 256 random bits.
func Hold(ctx context.Context, directory *identity.Directory, arrival *Arrival, now time.Time) (handle string, err error) {
	text, err := json.Marshal(arrival)
	if err != nil {
		return "", fmt.Errorf("exchange: %w", err)
	}
	handle = keyring.RandomToken(32)
	id := hex.EncodeToString(directory.Keys().MAC(purposeHandle, []byte(handle)))
	sealed := directory.Keys().Seal(purposeHeld, text, []byte(id))
	err = directory.Store().Update(ctx, func(w store.Writer) error {
		return waiting.Put(w, id, held{sealed}, now.Add(HoldLifetime))
	})
	if err != nil {
		return "", fmt.Errorf("exchange: %w", err)
	}
	return handle, nil
}

// Held returns what is held and leaves it there. ErrUsed if there is nothing.
func Held(ctx context.Context, directory *identity.Directory, handle string) (arrival *Arrival, err error) {
	err = directory.Store().View(ctx, func(r store.Reader) error {
		_, arrival, err = lookUp(r, directory, handle)
		return err
	})
	return arrival, err
}

// Take returns what is held, once. ErrUsed if there is nothing any more.
func Take(ctx context.Context, directory *identity.Directory, handle string) (arrival *Arrival, err error) {
	err = directory.Store().Update(ctx, func(w store.Writer) error {
		var id string
		if id, arrival, err = lookUp(w, directory, handle); err != nil {
			return err
		}
		return waiting.Delete(w, id)
	})
	if err != nil {
		return nil, err
	}
	return arrival, nil
}

func lookUp(r store.Reader, directory *identity.Directory, handle string) (string, *Arrival, error) {
	if handle == "" || len(handle) > maxHandle {
		return "", nil, ErrUsed
	}
	for _, mac := range directory.Keys().MACs(purposeHandle, []byte(handle)) {
		id := hex.EncodeToString(mac)
		found, there, err := waiting.Find(r, id)
		if err != nil {
			return "", nil, fmt.Errorf("exchange: %w", err)
		}
		if !there {
			continue
		}
		text, err := directory.Keys().Open(purposeHeld, found.Sealed, []byte(id))
		if err != nil {
			return "", nil, fmt.Errorf("exchange: held arrival: %w", err)
		}
		arrival := new(Arrival)
		if err := json.Unmarshal(text, arrival); err != nil {
			return "", nil, fmt.Errorf("exchange: held arrival: %w", err)
		}
		return id, arrival, nil
	}
	return "", nil, ErrUsed
}
