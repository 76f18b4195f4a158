package process

import "github.com/caddyhub/caddyhub/modules/app"

// OverrideWords are the words that may differ between servers.
func (*Spawner) OverrideWords() []string { return []string{"args", "command"} }

// Interface guard
var _ app.OverrideWords = (*Spawner)(nil)
