// Command conformance plays a scenario on one engine and prints what it leaves in
// Redis, or on both and prints the difference.
//
//	conformance [flags] run --engine go|node FILE
//	conformance [flags] diff FILE
//
// A file holds one scenario or many; see docs/conformance.md for its form.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/test/conformance"
)

const usage = `Usage:
  conformance run --engine go|node [--redis URL] FILE   print what each scenario answers and leaves, as JSON
  conformance diff [--redis URL] FILE                   print where the two engines differ; exit 1 if they do

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, errDiffer):
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
}

// errDiffer says that the differences have been printed.
var errDiffer = errors.New("the engines differ")

// arguments are the command line.
type arguments struct {
	command, engine, redis, runner, file string
}

func parse(args []string) (arguments, error) {
	var a arguments
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&a.engine, "engine", "go", "the engine of run: go or node")
	flags.StringVar(&a.redis, "redis", "redis://127.0.0.1:6379", "the server; keys go under a prefix of their own and are deleted afterwards")
	flags.StringVar(&a.runner, "runner", "", "the program of the Node side (default test/conformance/node/runner.mjs of this module)")
	if len(args) > 0 {
		a.command, args = args[0], args[1:]
	}
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	if (a.command != "run" && a.command != "diff") || flags.NArg() != 1 || (a.engine != "go" && a.engine != "node") {
		flags.Usage()
		return a, flag.ErrHelp
	}
	a.file = flags.Arg(0)
	return a, nil
}

func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	a, err := parse(args)
	if err != nil {
		return err
	}
	scenarios, err := conformance.Load(a.file)
	if err != nil {
		return err
	}
	p := player{arguments: a, stdout: stdout}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.open(ctx); err != nil {
		return err
	}
	differ := false
	for _, s := range scenarios {
		if a.command == "run" {
			err = p.print(ctx, s)
		} else {
			err = p.diff(ctx, s)
		}
		if errors.Is(err, errDiffer) {
			differ, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	if differ {
		return errDiffer
	}
	return nil
}

// player has the engines that a command needs.
type player struct {
	arguments
	stdout io.Writer
	client rueidis.Client
	goes   *conformance.Go
	node   *conformance.Node
}

func (p *player) open(ctx context.Context) error {
	option, err := rueidis.ParseURL(p.redis)
	if err != nil {
		return errors.New("the URL of the server must look like redis://127.0.0.1:6379")
	}
	option.DisableCache = true
	if p.client, err = rueidis.NewClient(option); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if p.command == "diff" || p.engine == "go" {
		if p.goes, err = conformance.OpenGo(ctx, p.redis); err != nil {
			return err
		}
	}
	if p.command == "diff" || p.engine == "node" {
		if p.runner == "" {
			if p.runner, err = findRunner(); err != nil {
				return err
			}
		}
		p.node, err = conformance.StartNode(p.runner, p.redis, os.Stderr)
	}
	return err
}

func (p *player) close() error {
	var err error
	if p.node != nil {
		err = errors.Join(err, p.node.Close())
	}
	if p.goes != nil {
		err = errors.Join(err, p.goes.Close())
	}
	if p.client != nil {
		p.client.Close()
	}
	return err
}

func (p *player) play(ctx context.Context, prefix string, s conformance.Scenario, e conformance.Engine) (*conformance.Outcome, error) {
	return conformance.Run(ctx, p.client, prefix, s, conformance.Always(e), nil)
}

func newPrefix() string { return "conformance-" + uuid.NewString() }

func (p *player) print(ctx context.Context, s conformance.Scenario) error {
	engine := conformance.Engine(p.goes)
	if p.engine == "node" {
		engine = p.node
	}
	outcome, err := p.play(ctx, newPrefix(), s, engine)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(p.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Name string `json:"name"`
		*conformance.Outcome
	}{s.Name, outcome})
}

func (p *player) diff(ctx context.Context, s conformance.Scenario) error {
	prefix := newPrefix()
	want, err := p.play(ctx, prefix, s, p.node)
	if err != nil {
		return err
	}
	got, err := p.play(ctx, prefix, s, p.goes)
	if err != nil {
		return err
	}
	differences, err := conformance.Diff(want, got)
	if err != nil {
		return err
	}
	if len(differences) == 0 {
		_, err = fmt.Fprintf(p.stdout, "%s: equal\n", s.Name)
		return err
	}
	if _, err := fmt.Fprintf(p.stdout, "%s: different\n%s\n", s.Name, differences.Format("node", "go")); err != nil {
		return err
	}
	return errDiffer
}

// findRunner looks for the Node side's program from the working directory upwards.
func findRunner() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, "test", "conformance", "node", "runner.mjs")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("test/conformance/node/runner.mjs was not found from here upwards; give it with --runner")
		}
		dir = parent
	}
}
