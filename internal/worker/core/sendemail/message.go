package sendemail

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	netmail "net/mail"
	"slices"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"
	"golang.org/x/net/idna"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/identity"
)

// maxRecipients bounds one message's recipients of all kinds.
const maxRecipients = 100

// extraHeaders are the header fields that jobs may add, beside X- and List- ones.
var extraHeaders = []string{"auto-submitted", "in-reply-to", "importance", "precedence", "priority", "references"}

// compose makes the message that a job asks for.
func (s *sender) compose(job *handler.Job, in Data, c *Connection) (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	from, err := s.from(in.From, c)
	if err != nil {
		return nil, err
	}
	m.FromMailAddress(from)
	if err := addRecipients(m, in, c); err != nil {
		return nil, err
	}
	replyTo, err := parseAddresses("replyTo", in.ReplyTo)
	if err != nil {
		return nil, err
	}
	if len(replyTo) > 0 {
		m.ReplyToMailAddress(replyTo...)
	}
	if err := oneLine("subject", in.Subject); err != nil {
		return nil, err
	}
	m.Subject(in.Subject)
	m.SetDate()
	m.SetMessageIDWithValue(messageID(job, from))
	if err := addHeaders(m, in.Headers); err != nil {
		return nil, err
	}
	switch {
	case in.Text == "" && in.HTML == "":
		m.SetBodyString(mail.TypeTextPlain, "")
	case in.HTML == "":
		m.SetBodyString(mail.TypeTextPlain, in.Text)
	case in.Text == "":
		m.SetBodyString(mail.TypeTextHTML, in.HTML)
	default:
		m.SetBodyString(mail.TypeTextPlain, in.Text)
		m.AddAlternativeString(mail.TypeTextHTML, in.HTML)
	}
	return m, s.attach(m, in.Attachments)
}

func (s *sender) from(text string, c *Connection) (*netmail.Address, error) {
	text = cmp.Or(text, c.defaultSender())
	if text == "" {
		return nil, fmt.Errorf("from is required, for connection %q has no sender of its own", c.Name)
	}
	from, err := parseAddress("from", text)
	if err != nil {
		return nil, err
	}
	if !c.allowsSender(from.Address) {
		return nil, fmt.Errorf("from: connection %q does not send for %s; it does for: %s", c.Name, from.Address, strings.Join(c.senders, ", "))
	}
	return from, nil
}

func addRecipients(m *mail.Msg, in Data, c *Connection) error {
	total := 0
	for _, kind := range []struct {
		field string
		texts []string
		set   func(...*netmail.Address)
	}{
		{"to", in.To, m.ToMailAddress}, {"cc", in.Cc, m.CcMailAddress}, {"bcc", in.Bcc, m.BccMailAddress},
	} {
		list, err := parseAddresses(kind.field, kind.texts)
		if err != nil {
			return err
		}
		for _, address := range list {
			if !c.allowsRecipient(address.Address) {
				return fmt.Errorf("%s: connection %q does not send to %s", kind.field, c.Name, address.Address)
			}
		}
		if len(list) > 0 {
			kind.set(list...)
		}
		total += len(list)
	}
	switch {
	case total == 0:
		return errors.New("there is no recipient; to, cc or bcc must name one")
	case total > maxRecipients:
		return fmt.Errorf("there are %d recipients, more than the %d allowed; add several jobs", total, maxRecipients)
	}
	return nil
}

func parseAddresses(field string, texts []string) ([]*netmail.Address, error) {
	list := make([]*netmail.Address, 0, len(texts))
	for _, text := range texts {
		address, err := parseAddress(field, text)
		if err != nil {
			return nil, err
		}
		list = append(list, address)
	}
	return list, nil
}

// parseAddress reads one address and writes an international domain as DNS has it.
func parseAddress(field, text string) (*netmail.Address, error) {
	if err := oneLine(field, text); err != nil {
		return nil, err
	}
	address, err := netmail.ParseAddress(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %q is not a mail address such as Ada <ada@example.com>", field, text)
	}
	if err := oneLine(field, address.Name+address.Address); err != nil {
		return nil, err // an encoded word may hide a line break
	}
	at := strings.LastIndex(address.Address, "@")
	domain, err := idna.Lookup.ToASCII(address.Address[at+1:])
	if err != nil {
		return nil, fmt.Errorf("%s: the domain of %q is not one: %w", field, text, err)
	}
	address.Address = address.Address[:at+1] + domain
	return address, nil
}

// oneLine refuses what could end a header and begin another.
func oneLine(field, text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%s has a line break or another control character", field)
	}
	return nil
}

func addHeaders(m *mail.Msg, headers map[string]string) error {
	for name, value := range headers {
		low := strings.ToLower(name)
		if !strings.HasPrefix(low, "x-") && !strings.HasPrefix(low, "list-") && !slices.Contains(extraHeaders, low) {
			return fmt.Errorf("headers: %q is not one that a job may set", name)
		}
		for _, r := range name {
			if r <= ' ' || r >= 0x7f || r == ':' {
				return fmt.Errorf("headers: %q is not the name of a header field", name)
			}
		}
		if err := oneLine("headers: "+name, value); err != nil {
			return err
		}
		m.SetGenHeader(mail.Header(name), value)
	}
	return nil
}

// messageID is the same at every attempt of a job, and no other job's.
func messageID(job *handler.Job, from *netmail.Address) string {
	return identity.Of(job) + from.Address[strings.LastIndex(from.Address, "@"):]
}

// encode writes the message as it will be sent, to know its size.
func encode(m *mail.Msg, limit int64) (int64, error) {
	w := &limitedBuffer{limit: limit}
	if _, err := m.WriteTo(w); err != nil {
		if w.size > limit {
			return 0, fmt.Errorf("the message has more than the %d bytes allowed", limit)
		}
		return 0, err
	}
	return w.size, nil
}

// limitedBuffer counts, up to a limit.
type limitedBuffer struct{ size, limit int64 }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.size += int64(len(p)); b.size > b.limit {
		return 0, bytes.ErrTooLarge
	}
	return len(p), nil
}
