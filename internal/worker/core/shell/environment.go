package shell

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// environment makes a program's variables: the fixed ones, and those of the job
// that the operator allows. Of the worker's own none but PATH are seen.
func (r *runner) environment(given map[string]string) ([]string, error) {
	env := []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	var allowed []string
	for _, variable := range r.opts.Env {
		if strings.Contains(variable, "=") {
			env = append(env, variable)
		} else {
			allowed = append(allowed, variable)
		}
	}
	for name, value := range given {
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("env: this worker does not let jobs set %q", name)
		}
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("env: the value of %q has a NUL character", name)
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}
