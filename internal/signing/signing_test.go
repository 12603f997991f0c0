package signing_test

import (
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/signing"
)

func TestAReceiverOfTheSpecificationAcceptsTheSignature(t *testing.T) {
	t.Parallel()
	const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	body := []byte(`{"a":1}`)
	header := http.Header{}
	require.NoError(t, signing.Sign(header, key, "msg_1", time.Now(), body))
	receiver, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	require.NoError(t, receiver.Verify(body, header))
	require.Error(t, receiver.Verify([]byte(`{"a":2}`), header))
	require.Equal(t, "msg_1", header.Get("webhook-id"))
}

func TestABadSecretIsNotRepeated(t *testing.T) {
	t.Parallel()
	err := signing.Sign(http.Header{}, "whsec_hush!", "msg_1", time.Now(), nil)
	require.ErrorIs(t, err, signing.ErrSecret)
	require.NotContains(t, err.Error(), "hush")
}
