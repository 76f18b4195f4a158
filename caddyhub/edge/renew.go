package edge

import (
	"context"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
)

// Renew prolongs the session behind a visit that another gate has let in, if it is
// time to, without the request waiting for it.
func (e *Edge) Renew(ctx context.Context, by browser.Visit) {
	if by.Identity != nil {
		e.renew(ctx, &visit{Visit: by})
	}
}
