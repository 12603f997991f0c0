package sendemail_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/sendemail"
)

// define makes the handler of connections, given as NAME=URL.
func define(t *testing.T, opts sendemail.Options, specs ...string) *handler.Definition {
	t.Helper()
	secrets, err := secret.Parse([]string{"mail=env:M"}, func(string) string { return "hush" })
	require.NoError(t, err)
	opts.Connections, err = sendemail.ParseConnections(specs, secrets)
	require.NoError(t, err)
	d, err := sendemail.New(opts)
	require.NoError(t, err)
	return d
}

func plain(s *coretest.MailServer, parameters string) string {
	return "main=smtp://" + s.Address + "?tls=none" + parameters
}

// part is a leaf of a message, decoded.
type part struct{ Type, Name, ID, Text string }

// read takes a message apart as a mail program does.
func read(t *testing.T, text string) (netmail.Header, []part) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	require.NoError(t, err)
	return m.Header, parts(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", "", m.Body)
}

func parts(t *testing.T, contentType, encoding, disposition, id string, body io.Reader) []part {
	t.Helper()
	media, parameters, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if !strings.HasPrefix(media, "multipart/") {
		if encoding == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		_, names, _ := mime.ParseMediaType(disposition)
		return []part{{media, names["filename"], id, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))}}
	}
	var list []part
	for r := multipart.NewReader(body, parameters["boundary"]); ; {
		p, err := r.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		h := p.Header
		list = append(list, parts(t, h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition"), h.Get("Content-Id"), p)...)
	}
}

func TestAMailArrivesAsTheJobSays(t *testing.T) {
	t.Parallel()
	server := coretest.StartMail(t, "none")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "report.pdf"), []byte("%PDF"), 0o600))
	d := define(t, sendemail.Options{AttachmentDirs: []string{dir}}, plain(server, "&from=Jobs@Example.com"))
	ctx := coretest.New(t.Context(), "send-email", `{
		"to":["Ada Lovelace <ada@example.com>","bob@bücher.example"],"cc":["carol@example.com"],"bcc":["dan@example.com"],
		"replyTo":["answers@example.com"],"subject":"Größe","text":"Hello ä","html":"<b>Hello ä</b><img src=cid:logo>",
		"headers":{"X-Campaign":"ä 1","List-Unsubscribe":"<https://example.com/u>"},
		"attachments":[{"path":"report.pdf"},{"name":"data.bin","content":"AAEC"},{"name":"l.png","content":"iVA=","contentId":"logo"}]}`)
	result := coretest.Result[sendemail.Result](t, d, ctx)
	require.Equal(t, 4, result.Recipients)
	require.Positive(t, result.Bytes)

	letters := server.Letters()
	require.Len(t, letters, 1)
	require.Equal(t, "jobs@example.com", letters[0].From)
	require.Equal(t, []string{"ada@example.com", "bob@xn--bcher-kva.example", "carol@example.com", "dan@example.com"}, letters[0].To)
	header, leaves := read(t, letters[0].Text)
	words := new(mime.WordDecoder)
	subject, err := words.DecodeHeader(header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "Größe", subject)
	require.Equal(t, `"Ada Lovelace" <ada@example.com>, <bob@xn--bcher-kva.example>`, header.Get("To"))
	require.Equal(t, "<answers@example.com>", header.Get("Reply-To"))
	require.Empty(t, header.Get("Bcc"))
	require.Equal(t, "<https://example.com/u>", header.Get("List-Unsubscribe"))
	require.Equal(t, result.MessageID, header.Get("Message-Id"))
	require.NotContains(t, letters[0].Text, "dan@example.com")
	want := []part{
		{"text/plain", "", "", "Hello ä"},
		{"text/html", "", "", "<b>Hello ä</b><img src=cid:logo>"},
		{"image/png", "l.png", "<logo>", "\x89P"},
		{"application/pdf", "report.pdf", "", "%PDF"},
		{"application/octet-stream", "data.bin", "", "\x00\x01\x02"},
	}
	require.Empty(t, cmp.Diff(want, leaves))
	require.Contains(t, ctx.Logged()[0], "to 4 recipients")
}

func TestAnAddressMayHaveAnyLetters(t *testing.T) {
	t.Parallel()
	server := coretest.StartMail(t, "none")
	d := define(t, sendemail.Options{}, plain(server, "&from=a@example.com"))
	_, err := coretest.Run(t, d, coretest.New(t.Context(), "send-email", `{"to":["Jürgen <jürgen@bücher.example>"],"subject":"x"}`))
	require.NoError(t, err)
	require.Equal(t, []string{"jürgen@xn--bcher-kva.example"}, server.Letters()[0].To)
}

func TestConnectionsAreEncryptedAndSignIn(t *testing.T) {
	t.Parallel()
	for mode, scheme := range map[string]string{"starttls": "smtp", "tls": "smtps"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := coretest.StartMail(t, mode)
			for _, spec := range []string{
				fmt.Sprintf("main=%s://me:hush@%s?ca=%s", scheme, server.Address, server.CA),
				fmt.Sprintf("main=%s://me@%s?secret=mail&ca=%s", scheme, server.Address, server.CA),
			} {
				d := define(t, sendemail.Options{}, spec)
				_, err := coretest.Run(t, d, coretest.New(t.Context(), "send-email", `{"from":"a@example.com","to":["b@example.com"],"subject":"x"}`))
				require.NoError(t, err)
			}
			for _, l := range server.Letters() {
				require.Equal(t, "me", l.User)
				require.True(t, l.TLS)
			}
			require.Len(t, server.Letters(), 2)

			_, err := coretest.Run(t, define(t, sendemail.Options{}, fmt.Sprintf("main=%s://me:wrong-hush@%s?ca=%s", scheme, server.Address, server.CA)),
				coretest.New(t.Context(), "send-email", `{"from":"a@example.com","to":["b@example.com"],"subject":"x"}`))
			coretest.RequireFinal(t, err, false, "AUTH")
			require.NotContains(t, err.Error(), "hush")
			_, err = coretest.Run(t, define(t, sendemail.Options{}, fmt.Sprintf("main=%s://me:hush@%s", scheme, server.Address)),
				coretest.New(t.Context(), "send-email", `{"from":"a@example.com","to":["b@example.com"],"subject":"x"}`))
			coretest.RequireFinal(t, err, false, "certificate")
		})
	}
	insecure := coretest.StartMail(t, "none")
	_, err := coretest.Run(t, define(t, sendemail.Options{}, "main=smtp://me:hush@"+insecure.Address),
		coretest.New(t.Context(), "send-email", `{"from":"a@example.com","to":["b@example.com"],"subject":"x"}`))
	coretest.RequireFinal(t, err, false, "STARTTLS")
	require.Empty(t, insecure.Letters())
}

func TestWhatTheServerSaysDecidesAboutAnotherAttempt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		command string
		code    int
		final   bool
	}{
		"no such recipient":   {"RCPT", 550, true},
		"mailbox busy":        {"RCPT", 450, false},
		"sender refused":      {"MAIL", 553, true},
		"server out of space": {"MAIL", 452, false},
		"content refused":     {"DATA", 554, true},
		"try later":           {"DATA", 451, false},
		"server going down":   {"DATA", 421, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := coretest.StartMail(t, "none")
			server.Refuse(func(command, arg string) error {
				if command == tt.command && arg != "b@example.com" {
					return &smtp.SMTPError{Code: tt.code, EnhancedCode: smtp.EnhancedCode{tt.code / 100, 1, 1}, Message: "no: " + name}
				}
				return nil
			})
			d := define(t, sendemail.Options{}, plain(server, ""))
			_, err := coretest.Run(t, d, coretest.New(t.Context(), "send-email", `{"from":"a@example.com","to":["b@example.com","c@example.com"],"subject":"x"}`))
			coretest.RequireFinal(t, err, tt.final, "no: "+name)
			require.Empty(t, server.Letters(), "nobody gets it if somebody does not")
		})
	}
}

func TestTheMessageIDStaysTheSame(t *testing.T) {
	t.Parallel()
	server := coretest.StartMail(t, "none")
	d := define(t, sendemail.Options{}, plain(server, "&from=a@example.com"))
	ctx := coretest.New(t.Context(), "send-email", `{"to":["b@example.com"],"subject":"x"}`)
	first := coretest.Result[sendemail.Result](t, d, ctx)
	ctx.Job().Attempt = 2
	require.Equal(t, first.MessageID, coretest.Result[sendemail.Result](t, d, ctx).MessageID)
	ctx.Job().ID = "2"
	require.NotEqual(t, first.MessageID, coretest.Result[sendemail.Result](t, d, ctx).MessageID)
	require.Regexp(t, `^<[0-9a-f]{32}@example\.com>$`, first.MessageID)
}

func TestMailThatCannotBeSentFailsForGood(t *testing.T) {
	t.Parallel()
	server := coretest.StartMail(t, "none")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large"), bytes.Repeat([]byte("x"), 3000), 0o600))
	d := define(t, sendemail.Options{AttachmentDirs: []string{dir}, MaxBytes: 2500}, plain(server, "&from=a@example.com&from=*@shop.example&to=*@example.com"))
	for name, tt := range map[string]struct{ data, want string }{
		"unknown connection":     {`"connection":"other","to":["b@example.com"]`, `"other" is not configured; there are: main`},
		"no recipient":           {`"bcc":[]`, "no recipient"},
		"foreign sender":         {`"from":"a@evil.example","to":["b@example.com"]`, "does not send for a@evil.example; it does for: a@example.com, *@shop.example"},
		"foreign recipient":      {`"to":["b@elsewhere.example"]`, "does not send to b@elsewhere.example"},
		"no address":             {`"to":["b"]`, `to: "b" is not a mail address`},
		"two addresses":          {`"to":["b@example.com, c@example.com"]`, "is not a mail address"},
		"line break in a name":   {`"to":["B\r\nBcc: x@example.com <b@example.com>"]`, "line break"},
		"encoded line break":     {`"to":["=?utf-8?q?B=0D=0ABcc:_x@example.com?= <b@example.com>"]`, "is not a mail address"},
		"line break in subject":  {`"to":["b@example.com"],"subject":"x\nBcc: c@example.com"`, "subject has a line break"},
		"line break in a header": {`"to":["b@example.com"],"headers":{"X-A":"1\r\nBcc: c@example.com"}`, "line break"},
		"line break in its name": {`"to":["b@example.com"],"headers":{"X-A: 1\r\nBcc":"c@example.com"}`, "is not the name of a header"},
		"header of the envelope": {`"to":["b@example.com"],"headers":{"Bcc":"c@example.com"}`, `"Bcc" is not one that a job may set`},
		"line break in a file":   {`"to":["b@example.com"],"attachments":[{"name":"a\nb","content":""}]`, "not a plain file name"},
		"quote in a file":        {`"to":["b@example.com"],"attachments":[{"name":"a\"; x=\"b","content":""}]`, "not a plain file name"},
		"nameless file":          {`"to":["b@example.com"],"attachments":[{"content":""}]`, "a name is required"},
		"file not base64":        {`"to":["b@example.com"],"attachments":[{"name":"a","content":"?"}]`, "not base64"},
		"file twice":             {`"to":["b@example.com"],"attachments":[{"name":"a","content":"","path":"large"}]`, "exactly one of content and path"},
		"file elsewhere":         {`"to":["b@example.com"],"attachments":[{"path":"/etc/passwd"}]`, "is not a file in one of the directories"},
		"large file":             {`"to":["b@example.com"],"attachments":[{"path":"large"}]`, "more than the 2500 bytes"},
		"large content":          {`"to":["b@example.com"],"attachments":[{"name":"a","content":"` + strings.Repeat("AAAA", 900) + `"}]`, "more than the 2500 bytes"},
		"large text":             {`"to":["b@example.com"],"text":"` + strings.Repeat("x", 2500) + `"`, "more than the 2500 bytes"},
		"content type":           {`"to":["b@example.com"],"attachments":[{"name":"a","content":"","contentType":"x\r\nY: z"}]`, "is not a content type"},
		"domain":                 {`"to":["b@exa_mple..com"]`, "to:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tt.data
			if !strings.Contains(data, `"subject"`) {
				data += `,"subject":"x"`
			}
			_, err := coretest.Run(t, d, coretest.New(t.Context(), "send-email", "{"+data+"}"))
			coretest.RequireFinal(t, err, true, tt.want)
			require.Empty(t, server.Letters())
		})
	}
	many := strings.TrimSuffix(strings.Repeat(`"b@example.com",`, 60), ",")
	_, err := coretest.Run(t, d, coretest.New(t.Context(), "send-email", `{"subject":"x","to":[`+many+`],"cc":[`+many+`]}`))
	coretest.RequireFinal(t, err, true, "120 recipients, more than the 100 allowed")
	_, err = coretest.Run(t, define(t, sendemail.Options{}), coretest.New(t.Context(), "send-email", `{"subject":"x","to":["b@example.com"]}`))
	coretest.RequireFinal(t, err, true, `setting "smtp-connection"`)
	_, err = coretest.Run(t, define(t, sendemail.Options{}, plain(server, "")), coretest.New(t.Context(), "send-email", `{"subject":"x","to":["b@example.com"]}`))
	coretest.RequireFinal(t, err, true, "from is required")
}

func TestASilentServerIsLeftWhenTheJobIsCancelled(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	accepted, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		close(accepted)
		_, _ = io.Copy(io.Discard, conn) // says nothing until the client goes
		_ = conn.Close()
	}()
	errStop := errors.New("stop")
	ctx, stop := context.WithCancelCause(t.Context())
	go func() {
		<-accepted
		stop(errStop)
	}()
	d := define(t, sendemail.Options{}, "main=smtp://"+listener.Addr().String()+"?tls=none&from=a@example.com")
	_, err = coretest.Run(t, d, coretest.New(ctx, "send-email", `{"to":["b@example.com"],"subject":"x"}`))
	require.ErrorIs(t, err, errStop)
	<-closed

	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	d = define(t, sendemail.Options{Timeout: 50 * time.Millisecond}, "main=smtp://"+silent.Addr().String()+"?tls=none&from=a@example.com")
	_, err = coretest.Run(t, d, coretest.New(t.Context(), "send-email", `{"to":["b@example.com"],"subject":"x"}`))
	require.Error(t, err)
}
