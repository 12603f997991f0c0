package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// executable runs a program as it is: in the plain way, a process for each job,
// or as one that speaks the protocol, if its sidecar says so.
func (b *build) executable(ctx context.Context) error {
	card, err := b.readSidecar()
	if err != nil {
		return err
	}
	if err := b.runProgram(ctx); err != nil {
		return err
	}
	if card.Protocol == protocolLines {
		b.inputs = append(b.inputs, b.module.Path)
		return nil
	}
	b.plain = card.describe(stem(b.module.Path))
	return nil
}

// runProgram runs the file itself or, if it may not be executed, its interpreter.
func (b *build) runProgram(ctx context.Context) error {
	path := b.module.Path
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode()&0o111 != 0 {
		b.run(path, nil)
		return nil
	}
	name := scriptInterpreters[strings.ToLower(filepath.Ext(path))]
	if name == "" {
		return fmt.Errorf("%s may not be executed; run: chmod +x %s", filepath.Base(path), path)
	}
	program, err := b.interpreter(ctx, name, b.language)
	if err != nil {
		return err
	}
	b.run(program, []string{path})
	return nil
}

// stem is a file's name without its ending.
func stem(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}
