package sendemail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"path/filepath"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/jobrunner-dev/jobrunner/internal/worker/core/files"
)

// attach adds the files; together they may be as large as a message may be.
func (s *sender) attach(m *mail.Msg, list []Attachment) error {
	left := s.opts.MaxBytes
	for i, a := range list {
		content, err := s.content(a, left)
		if err != nil {
			return fmt.Errorf("attachment %d: %w", i+1, err)
		}
		left -= int64(len(content))
		name := a.Name
		if name == "" {
			name = filepath.Base(a.Path)
		}
		if a.Content != nil && a.Name == "" {
			return fmt.Errorf("attachment %d: a name is required with content", i+1)
		}
		if err := oneLine("name", name); err != nil || strings.ContainsAny(name, `/\"`) {
			return fmt.Errorf("attachment %d: %q is not a plain file name", i+1, name)
		}
		contentType, err := typeOf(a.ContentType, name)
		if err != nil {
			return fmt.Errorf("attachment %d: %w", i+1, err)
		}
		options := []mail.FileOption{mail.WithFileContentType(mail.ContentType(contentType))}
		if a.ContentID != "" {
			m.EmbedReadSeeker(name, bytes.NewReader(content), append(options, mail.WithFileContentID("<"+a.ContentID+">"))...)
			continue
		}
		m.AttachReadSeeker(name, bytes.NewReader(content), options...)
	}
	return nil
}

func (s *sender) content(a Attachment, limit int64) ([]byte, error) {
	switch {
	case (a.Content != nil) == (a.Path != ""):
		return nil, errors.New("exactly one of content and path is needed")
	case a.Content != nil:
		content, err := base64.StdEncoding.DecodeString(*a.Content)
		if err != nil {
			return nil, errors.New("its content is not base64")
		}
		if int64(len(content)) > limit {
			return nil, tooLarge(s.opts.MaxBytes)
		}
		return content, nil
	}
	file, info, err := files.OpenBelow(s.opts.AttachmentDirs, a.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if info.Size() > limit {
		return nil, tooLarge(s.opts.MaxBytes)
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = tooLarge(s.opts.MaxBytes)
	}
	return content, err
}

func tooLarge(limit int64) error {
	return fmt.Errorf("the files have more than the %d bytes that a message may have", limit)
}

// typeOf checks a content type, or finds one for the name.
func typeOf(given, name string) (string, error) {
	if given == "" {
		given = mime.TypeByExtension(filepath.Ext(name))
	}
	if given == "" {
		return "application/octet-stream", nil
	}
	media, parameters, err := mime.ParseMediaType(given)
	if err != nil || !strings.Contains(media, "/") {
		return "", fmt.Errorf("%q is not a content type", given)
	}
	return mime.FormatMediaType(media, parameters), nil
}
