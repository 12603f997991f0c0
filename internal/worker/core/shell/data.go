package shell

// Data is what a shell job asks for.
type Data struct {
	Command string            `json:"command" jsonschema:"title=Command,description=A program that the worker allows: its name or its whole path,minLength=1,maxLength=4096"`
	Args    []string          `json:"args,omitempty" jsonschema:"title=Arguments,description=Each is passed as it is; nothing in them is taken for a command,maxItems=1000"`
	Cwd     string            `json:"cwd,omitempty" jsonschema:"title=Directory,description=Where the program runs: one of the worker's directories for it or below one; without it the first of them or a temporary one,maxLength=4096"`
	Env     map[string]string `json:"env,omitempty" jsonschema:"title=Environment,description=Variables that the worker lets jobs set"`
	Stdin   string            `json:"stdin,omitempty" jsonschema:"title=Standard input,description=What the program reads"`

	TimeoutMS    int64 `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long the program may run in milliseconds,minimum=1,maximum=3600000,default=60000"`
	SuccessCodes []int `json:"successCodes,omitempty" jsonschema:"title=Exit codes of success,description=Those that complete the job; without them 0,maxItems=256"`
	FinalCodes   []int `json:"finalCodes,omitempty" jsonschema:"title=Final exit codes,description=Those that fail the job for good whatever attempts are left; without them 65,maxItems=256"`
}

// Result is what the program did.
type Result struct {
	ExitCode int    `json:"exitCode" jsonschema:"title=Exit code"`
	Stdout   string `json:"stdout" jsonschema:"title=Output,description=The beginning of what the program printed"`
	Stderr   string `json:"stderr" jsonschema:"title=Errors,description=The beginning of what it printed on its standard error"`
	// Truncated says that the program printed more; the job's log has more of it.
	Truncated  bool  `json:"truncated" jsonschema:"title=Truncated,description=The program printed more; the job's log has more of it"`
	DurationMS int64 `json:"durationMs" jsonschema:"title=Duration,description=In milliseconds"`
}
