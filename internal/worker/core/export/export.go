// Package export holds the core handler data-export: it streams the rows of a
// SQL query or of a JSON, JSON Lines or CSV source into a CSV, JSON Lines or
// XLSX file, in constant memory.
//
// Rows flow one by one from a source to a sink. The file appears under its
// name, complete, when the last row is in it; until then it is a temporary file
// beside, which is removed if anything fails.
package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

// Options say what the handler may read and where it may write.
type Options struct {
	// Dir is where exported files go. Empty refuses every export.
	Dir string
	// SourceDirs are the directories that source files may be read from.
	SourceDirs []string
	// Connections are database URLs by name: sqlite:///absolute/path,
	// sqlite:relative/path or postgres://… . Queries run in read-only transactions.
	Connections map[string]string
	// HTTPTimeout is how long reading a source over HTTP may take. Defaults to 1 h.
	HTTPTimeout time.Duration
	// MaxFileBytes bounds an exported file. Defaults to 16 GiB.
	MaxFileBytes int64
}

func (o Options) withDefaults() Options {
	o.HTTPTimeout = cmp.Or(o.HTTPTimeout, time.Hour)
	o.MaxFileBytes = cmp.Or(o.MaxFileBytes, 16<<30)
	return o
}

const (
	// progressInterval is how often progress is reported.
	progressInterval = 200 * time.Millisecond
	// checkRows is after how many rows the clock and the context are looked at.
	checkRows = 64
)

// New returns the handler.
func New(dialer *safedial.Dialer, options Options) (*handler.Definition, error) {
	e := &exporter{opts: options.withDefaults(), dialer: dialer}
	return handler.New("data-export", e.run, &handler.Options{
		Version: "1.1.0", Author: "JobRunner",
		Description: "Streams the rows of a SQL query or of a JSON or CSV source into a CSV, JSON Lines or XLSX file",
		Defaults: handler.Defaults{
			Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: 30 * time.Second},
		},
	})
}

type exporter struct {
	opts   Options
	dialer *safedial.Dialer
}

func (e *exporter) run(ctx handler.Context, in Data) (*Result, error) {
	began := time.Now()
	if e.opts.Dir == "" {
		return nil, refuse("this worker has no export directory")
	}
	rows, err := e.open(ctx, in.Source)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.close() }() // reading is over; what matters was reported by next
	// A file of the job's own name is from an attempt that was cut off at its end.
	overwrite := in.Overwrite || in.File == "" && ctx.Job().AttemptsStarted > 1
	target, err := createTarget(e.opts.Dir, in.fileName(ctx.Job()), overwrite, e.opts.MaxFileBytes)
	if err != nil {
		return nil, err
	}
	defer target.discard()
	sink, err := openSink(in, target, rows)
	if err != nil {
		return nil, err
	}
	count, err := pump(ctx, rows, sink)
	if err == nil {
		err = sink.finish()
	} else {
		sink.abort()
	}
	if err != nil {
		return nil, err
	}
	size, err := target.commit()
	if err != nil {
		return nil, err
	}
	ctx.Progress(&Progress{Rows: count, Percent: percent(1)})
	ctx.Logf("wrote %d rows, %d bytes to %s", count, size, target.path())
	return &Result{
		File: target.name, Path: target.path(), Format: in.Format, Rows: count, Bytes: size,
		DurationMS: time.Since(began).Milliseconds(),
	}, nil
}

// pump moves every row, and reports progress.
func pump(ctx handler.Context, rows rowSource, sink rowSink) (int64, error) {
	next := time.Now()
	var count int64
	for ; ; count++ {
		if count%checkRows == 0 {
			if ctx.Err() != nil {
				return count, context.Cause(ctx)
			}
			if now := time.Now(); now.After(next) {
				ctx.Progress(&Progress{Rows: count, Percent: percentOf(rows, count)})
				next = now.Add(progressInterval)
			}
		}
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return count, nil
		}
		if err != nil {
			if ctx.Err() != nil {
				return count, context.Cause(ctx)
			}
			return count, fmt.Errorf("row %d: %w", count+1, err)
		}
		if err := sink.write(row); err != nil {
			return count, fmt.Errorf("row %d: %w", count+1, err)
		}
	}
}

func percentOf(rows rowSource, count int64) *float64 {
	share, known := rows.progress(count)
	if !known {
		return nil
	}
	return percent(min(share, 0.999)) // the last row is not the end: the file must still be closed
}

func percent(share float64) *float64 {
	p := float64(int(share*1000)) / 10
	return &p
}

// refuse makes an error that no further attempt can help.
func refuse(format string, args ...any) error {
	return bullmq.Unrecoverable(fmt.Errorf(format, args...))
}
