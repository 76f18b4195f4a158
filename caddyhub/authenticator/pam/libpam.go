//go:build pam && cgo

package pam

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/msteinert/pam/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// libpam is the PAM of the system.
type libpam struct {
	options Options
	// charset is nil for UTF-8.
	charset encoding.Encoding
}

func newStack(o Options) (stack, error) {
	l := &libpam{options: o}
	if o.ConfigDir != "" && !pam.CheckPamHasStartConfdir() {
		return nil, errors.New("pam: this libpam knows no other folder of services than its own; leave out config_dir")
	}
	if o.Encoding == "" || o.Encoding == "utf8" || o.Encoding == "utf-8" || o.Encoding == "UTF-8" {
		return l, nil
	}
	charset, err := ianaindex.IANA.Encoding(o.Encoding)
	if err != nil || charset == nil {
		return nil, fmt.Errorf("pam: the encoding %q is not known", o.Encoding)
	}
	l.charset = charset
	return l, nil
}

// encode puts a text into the encoding of the system.
func (l *libpam) encode(text string) (string, error) {
	if l.charset == nil {
		return text, nil
	}
	encoded, err := l.charset.NewEncoder().String(text)
	if err != nil {
		return "", fmt.Errorf("%w: it cannot be written in %s", authenticator.ErrDenied, l.options.Encoding)
	}
	return encoded, nil
}

// begin starts a transaction for a user. The caller ends it.
func (l *libpam) begin(name string, answers []string) (*pam.Transaction, error) {
	talk := &conversation{log: l.options.Log}
	for _, answer := range answers {
		encoded, err := l.encode(answer)
		if err != nil {
			return nil, err
		}
		talk.answers = append(talk.answers, encoded)
	}
	name, err := l.encode(name)
	if err != nil {
		return nil, err
	}
	var transaction *pam.Transaction
	if l.options.ConfigDir == "" {
		transaction, err = pam.Start(l.options.Service, name, talk)
	} else {
		transaction, err = pam.StartConfDir(l.options.Service, name, talk, l.options.ConfigDir)
	}
	if err != nil {
		return nil, l.judge("start", name, err)
	}
	return transaction, nil
}

// Authenticate implements stack.
func (l *libpam) Authenticate(name, remote string, answers []string, account bool) (string, error) {
	transaction, err := l.begin(name, answers)
	if err != nil {
		return "", err
	}
	defer l.end(transaction)
	if remote != "" {
		if err := transaction.SetItem(pam.Rhost, remote); err != nil {
			return "", l.judge("rhost", name, err)
		}
	}
	if err := transaction.Authenticate(pam.Silent | pam.DisallowNullAuthtok); err != nil {
		return "", l.judge("authenticate", name, err)
	}
	if account {
		if err := transaction.AcctMgmt(pam.Silent | pam.DisallowNullAuthtok); err != nil {
			return "", l.judge("account", name, err)
		}
	}
	found, err := transaction.GetItem(pam.User)
	if err != nil || found == "" {
		return "", fmt.Errorf("%w: PAM does not say who the user is: %w", authenticator.ErrUnavailable, err)
	}
	if l.charset != nil {
		return l.charset.NewDecoder().String(found)
	}
	return found, nil
}

// Account implements stack.
func (l *libpam) Account(name string) error {
	transaction, err := l.begin(name, nil)
	if err != nil {
		return err
	}
	defer l.end(transaction)
	if err := transaction.AcctMgmt(pam.Silent | pam.DisallowNullAuthtok); err != nil {
		return l.judge("account", name, err)
	}
	return nil
}

// Session implements stack. The transaction does not last as long as the session,
// which is JupyterHub's way, and enough for modules that keep nothing in it.
func (l *libpam) Session(name string, open bool) error {
	transaction, err := l.begin(name, nil)
	if err != nil {
		return err
	}
	defer l.end(transaction)
	if open {
		return transaction.OpenSession(pam.Silent)
	}
	return transaction.CloseSession(pam.Silent)
}

func (l *libpam) end(transaction *pam.Transaction) {
	if err := transaction.End(); err != nil {
		l.options.Log.Warn("PAM transaction not ended", "error", err)
	}
}

// trouble are errors that are not about the user.
//
// That of the system (ErrSystem) is not among them: pam_exec returns it when its
// program says no, and guesses that are not counted would be without limit.
var trouble = []pam.Error{
	pam.ErrOpen, pam.ErrSymbol, pam.ErrService, pam.ErrBuf, pam.ErrAuthinfoUnavail,
	pam.ErrAuthtokLockBusy, pam.ErrTryAgain, pam.ErrAbort, pam.ErrModuleUnknown,
}

// judge says whose fault an error is.
func (l *libpam) judge(step, name string, err error) error {
	for _, known := range trouble {
		if errors.Is(err, known) {
			return fmt.Errorf("%w: PAM service %s, %s: %w", authenticator.ErrUnavailable, l.options.Service, step, err)
		}
	}
	l.options.Log.Info("PAM refuses", "service", l.options.Service, "step", step, "user", authenticator.ForLog(name), "error", err)
	return fmt.Errorf("%w: PAM, %s: %w", authenticator.ErrDenied, step, err)
}

// conversation answers the questions of modules.
type conversation struct {
	answers []string
	log     *slog.Logger
}

// RespondPAM gives each question the next answer. A question without one ends the
// conversation, or a module might take the password for something else.
func (c *conversation) RespondPAM(style pam.Style, message string) (string, error) {
	switch style {
	case pam.PromptEchoOff, pam.PromptEchoOn:
		if len(c.answers) == 0 {
			return "", errors.New("pam: more questions than answers")
		}
		answer := c.answers[0]
		c.answers = c.answers[1:]
		return answer, nil
	case pam.ErrorMsg, pam.TextInfo:
		c.log.Debug("PAM says", "text", authenticator.ForLog(message))
	}
	return "", nil
}
