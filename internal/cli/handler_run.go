package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

// maxInput bounds what is read from a file or stdin for a run, in bytes.
const maxInput = 64 << 20

// handlerRun is what `handler run` was told.
type handlerRun struct {
	path     string
	data     string
	state    string
	children string
	job      trial.Job
	asJSON   bool
	watch    bool
}

func newHandlerRun(p *Process) *cobra.Command {
	var run handlerRun
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a handler on one job, without Redis, and show what it does",
		Long: "Run a handler file, a folder of Go source or a plugin on one job, as a worker would, but without\n" +
			"Redis. Progress, log lines and errors go to stderr as they come, the result goes to stdout as JSON.\n" +
			"Children and jobs that the handler adds are shown and not run.\n\n" +
			"Without --data the job has the data that the handler's schema suggests: its defaults or examples.\n\n" +
			"The exit code is 0 if the handler completed the job or put it back for later, 1 if the job failed,\n" +
			"and 2 if the handler did not load or the arguments are wrong. Ctrl-C aborts the handler.",
		Example: "  jobrunner handler run handlers/greet.ts --data '{\"names\": [\"Ada\"]}'\n" +
			"  jobrunner handler run handlers/greet.ts --data @job.json --watch\n" +
			"  jobrunner handler run plugins/greeter --handler greet --data - < job.json",
		Args: oneArgument("FILE, the handler to run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			run.path = args[0]
			if err := run.readJob(p.Stdin); err != nil {
				return usage(err)
			}
			return p.handlerRun(cmd, run)
		},
	}
	config.AddFlags(cmd.Flags(), handlerFlags...)
	flags := cmd.Flags()
	flags.StringVar(&run.data, "data", "", "the job's data: JSON, @FILE, or - for stdin")
	flags.StringVar(&run.job.Handler, "handler", "", "the handler to run, if there are several")
	flags.DurationVar(&run.job.Timeout, "timeout", 0, "how long the job may run (default what the handler says)")
	flags.StringVar(&run.state, "state", "", "what an earlier attempt saved: JSON or @FILE")
	flags.StringVar(&run.children, "children", "", "results of children by job key: a JSON object or @FILE")
	flags.IntVar(&run.job.Attempt, "attempt", 1, "which attempt of the job this is")
	flags.StringVar(&run.job.Queue, "queue", defaultQueue, "the queue that the handler sees")
	flags.BoolVar(&run.asJSON, "json", false, "print events to stdout, one JSON object a line")
	flags.BoolVar(&run.watch, "watch", false, "run again whenever the handler's files change, until Ctrl-C")
	return cmd
}

// readJob makes the job of the arguments.
func (r *handlerRun) readJob(stdin io.Reader) (err error) {
	if r.job.Attempt < 1 {
		return errors.New("--attempt counts from 1")
	}
	if r.job.Timeout < 0 {
		return errors.New("--timeout must not be negative")
	}
	if r.job.Data, err = readJSON(r.data, stdin); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if r.job.State, err = readJSON(r.state, nil); err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	children, err := readJSON(r.children, nil)
	if err == nil && children != nil {
		err = json.Unmarshal(children, &r.job.Children)
	}
	if err != nil {
		return fmt.Errorf("--children: %w", err)
	}
	return nil
}

// readJSON reads JSON that is given as it is, in a file behind an @, or, for -,
// on stdin if that is allowed. It is nil for an empty argument.
func readJSON(argument string, stdin io.Reader) (json.RawMessage, error) {
	text := []byte(strings.TrimSpace(argument))
	switch {
	case len(text) == 0:
		return nil, nil
	case text[0] == '@':
		f, err := os.Open(string(text[1:]))
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // it was only read
		if text, err = readBounded(f); err != nil {
			return nil, err
		}
	case string(text) == "-" && stdin != nil:
		var err error
		if text, err = readBounded(stdin); err != nil {
			return nil, err
		}
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	return text, nil
}

func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(text) > maxInput {
		err = fmt.Errorf("is larger than %d MiB", maxInput>>20)
	}
	return text, err
}

func (p *Process) handlerRun(cmd *cobra.Command, run handlerRun) (err error) {
	loader, log, err := p.openLoader(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, loader.Close()) }()
	ctx, cancel := interruptible(cmd.Context())
	defer cancel(nil)
	if run.watch {
		return p.runOnChange(ctx, run, loader, log)
	}
	_, err = p.runOnce(ctx, run, loader, log)
	return err
}

// runOnce loads the handler and runs it. The files are what it is made of, as
// far as that is known.
func (p *Process) runOnce(ctx context.Context, run handlerRun, loader *runtime.Loader, log *slog.Logger) (files []string, err error) {
	library, err := p.openLibrary(ctx, loader, log, run.path)
	if err != nil {
		return nil, usage(err)
	}
	defer func() { err = errors.Join(err, library.Close()) }()
	files = library.Files()
	problems := library.Problems()
	name, err := library.Choose(run.job.Handler)
	if err != nil {
		if len(problems) == 0 {
			return files, usage(err)
		}
		p.tellProblems(problems, run.asJSON)
		return files, &exitError{code: exitUsage}
	}
	run.job.Handler = name
	show := p.showEvent
	if run.asJSON {
		show = p.writeEvent
	}
	last, err := library.Run(ctx, run.job, show)
	switch {
	case err != nil:
		return files, usage(err)
	case last.Kind == trial.EventFailed:
		return files, &exitError{code: exitFailed}
	default:
		return files, nil
	}
}

// tellProblems says why handlers did not load: people on stderr, programs on stdout.
func (p *Process) tellProblems(problems []*catalogue.LoadError, asJSON bool) {
	for _, problem := range problems {
		if asJSON {
			p.writeEvent(trial.Event{Kind: trial.EventFailed, Failure: &trial.Failure{
				Name: "LoadError", Message: problem.Message, Unrecoverable: true,
				File: problem.File, Line: problem.Line, Column: problem.Column, Frame: problem.Frame,
			}})
			continue
		}
		_, _ = fmt.Fprint(p.Stderr, describeProblem(problem))
	}
}

// writeEvent prints an event for programs.
func (p *Process) writeEvent(e trial.Event) {
	enc := json.NewEncoder(p.Stdout)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) // nobody is left to tell if stdout is closed
}

// showEvent prints an event for people.
func (p *Process) showEvent(e trial.Event) {
	text := e.Text
	switch e.Kind {
	case trial.EventStarted:
		text = fmt.Sprintf("%s %s with %s", e.Handler, e.Version, e.Value)
	case trial.EventProgress, trial.EventState, trial.EventData:
		text = string(e.Value)
	case trial.EventChild, trial.EventJob:
		text = fmt.Sprintf("%s in queue %s with %s (not run)", e.Job.Name, e.Job.Queue, e.Job.Data)
	case trial.EventPostponed:
		if e.Postponed.To == bullmq.OutcomeWaitingChildren {
			text += "; see what it does with their results by --children"
		}
	case trial.EventFailed:
		text = failureLine(e.Failure)
	}
	elapsed := time.Duration(e.MS) * time.Millisecond
	line := fmt.Sprintf("%8s  %-9s  %s", elapsed, e.Kind, text)
	_, _ = fmt.Fprintln(p.Stderr, strings.TrimRight(line, " "))
	if e.Kind == trial.EventFailed {
		_, _ = fmt.Fprint(p.Stderr, failureDetails(e.Failure))
	}
	if e.Kind == trial.EventCompleted {
		_ = p.printJSON(e.Value) // as above
	}
}
