// Package signing signs messages as the Standard Webhooks specification says, so
// that a receiver can tell who sent them and that nobody repeated or changed them.
package signing

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// ErrSecret says that a secret is not of the form whsec_ and base64. It does not
// repeat the secret.
var ErrSecret = errors.New("the signing secret is not of the form whsec_BASE64")

// Sign adds the headers webhook-id, webhook-timestamp and webhook-signature. The
// id is the same each time a message is sent, the time is that of this sending.
func Sign(h http.Header, secret, id string, now time.Time, body []byte) error {
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return ErrSecret
	}
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return ErrSecret
	}
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}
