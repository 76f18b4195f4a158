package authenticator

import "iter"

// Offer is one way to log in, as the login page shows it.
type Offer struct {
	// Name of the authenticator, to hand to Login.
	Name string
	// Prompt is what to show.
	Prompt Prompt
	// Redirects says that the authenticator is a Redirector.
	Redirects bool
}

// Offers returns the ways to log in, in the order of the configuration.
func (l *Login) Offers() []Offer {
	offers := make([]Offer, 0, len(l.authenticators))
	for name, authenticator := range l.All() {
		_, redirects := authenticator.(Redirector)
		offers = append(offers, Offer{Name: name, Prompt: PromptOf(authenticator), Redirects: redirects})
	}
	return offers
}

// All goes through the authenticators by name, in the order of the configuration.
func (l *Login) All() iter.Seq2[string, Authenticator] {
	return func(yield func(string, Authenticator) bool) {
		for _, named := range l.authenticators {
			if !yield(named.Name, named.Authenticator) {
				return
			}
		}
	}
}

// Auto returns the name of the authenticator to which the login page leads
// without asking, and false where there is something to ask: more than one
// authenticator, or one that does not log in by itself.
func (l *Login) Auto() (name string, ok bool) {
	if len(l.authenticators) != 1 {
		return "", false
	}
	auto, can := l.authenticators[0].Authenticator.(AutoLoginer)
	return l.authenticators[0].Name, can && auto.AutoLogin()
}
