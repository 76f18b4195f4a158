package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
)

const (
	deviceCookie  = "caddyhub-device"
	purposeDevice = "login device"
	// deviceLifetime is how long a browser is known after the last login.
	deviceLifetime = 180 * 24 * time.Hour
	// maxDeviceUsers bounds how many users one browser is known for: those who
	// logged in last.
	maxDeviceUsers = 4
	// maxDevice is how long the cookie may be, in bytes.
	maxDevice = 3000
	// deviceIDLength is how many random bytes the id of a device has.
	deviceIDLength = 16
)

// device is what a browser proves of one user: that he has logged in with it. It
// lets nobody in. It only keeps others, who fail in his name, from locking him out
// here; so it needs no record, and counts by its id.
type device struct {
	User string `json:"u"`
	ID   string `json:"i"`
	// Expires in Unix seconds.
	Expires int64 `json:"e"`
}

// device returns the id of this browser if the user has logged in with it.
func (c *call) device(user string) string {
	for _, known := range c.devices() {
		if known.User == user {
			return known.ID
		}
	}
	return ""
}

// devices are what the browser proves, of several cookies the first that is ours.
func (c *call) devices() []device {
	for _, value := range gate.CookieValues(c.r.Header, c.deviceName()) {
		if len(value) > maxDevice {
			continue
		}
		sealed, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil {
			continue
		}
		text, err := c.options.Directory.Keys().Open(purposeDevice, sealed, nil)
		if err != nil {
			continue
		}
		var known []device
		if json.Unmarshal(text, &known) == nil {
			now := c.now().Unix()
			return slices.DeleteFunc(known, func(d device) bool { return d.Expires <= now })
		}
	}
	return nil
}

// rememberDevice has the browser prove from now on that the user has logged in
// with it. It keeps its id, and with it what was counted.
func (c *call) rememberDevice(user string) {
	id := c.device(user)
	if id == "" {
		id = keyring.RandomToken(deviceIDLength)
	}
	others := slices.DeleteFunc(c.devices(), func(d device) bool { return d.User == user })
	known := append([]device{{User: user, ID: id, Expires: c.now().Add(deviceLifetime).Unix()}}, others...)
	known = known[:min(len(known), maxDeviceUsers)]
	text, err := json.Marshal(known)
	if err != nil {
		return // three plain fields always encode
	}
	value := base64.RawURLEncoding.EncodeToString(c.options.Directory.Keys().Seal(purposeDevice, text, nil))
	if len(value) > maxDevice {
		return
	}
	http.SetCookie(c.w, &http.Cookie{
		Name: c.deviceName(), Value: value, Path: c.hub + "login", MaxAge: int(deviceLifetime / time.Second),
		HttpOnly: true, Secure: c.options.Browser.Secure(c.r), SameSite: http.SameSiteStrictMode,
	})
}

func (c *call) deviceName() string {
	if c.options.Browser.Secure(c.r) {
		return "__Secure-" + deviceCookie
	}
	return deviceCookie
}
