package bullmq

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"regexp"
	"strings"

	"github.com/redis/rueidis"
)

//go:embed scripts
var scriptFiles embed.FS

// The scripts, each one atomic operation. A line "--@use name" stands for the
// text of scripts/lib/name.lua, which is put in once, before what uses it. A line
// "--@lazy rare a b" lets a script call what the libraries a and b define as
// rare().name, see [includeLazily].
var (
	addJobsScript          = loadScript("add_jobs")
	addFlowScript          = loadScript("add_flow")
	workScript             = loadScript("work")
	extendLocksScript      = loadScript("extend_locks")
	recoverStalledScript   = loadScript("recover_stalled")
	jobStateScript         = loadScript("job_state")
	updateJobScript        = loadScript("update_job")
	addLogScript           = loadScript("add_log")
	clearLogsScript        = loadScript("clear_logs")
	retryJobScript         = loadScript("retry_job")
	retryJobsScript        = loadScript("retry_jobs")
	promoteJobsScript      = loadScript("promote_jobs")
	cleanJobsScript        = loadScript("clean_jobs")
	obliterateScript       = loadScript("obliterate")
	removeOrphanScript     = loadScript("remove_orphan")
	removePendingScript    = loadScript("remove_unprocessed_children")
	partChildScript        = loadScript("remove_child_dependency")
	removeDedupKeyScript   = loadScript("remove_dedup_key")
	promoteJobScript       = loadScript("promote_job")
	changeDelayScript      = loadScript("change_delay")
	changePriorityScript   = loadScript("change_priority")
	removeJobScript        = loadScript("remove_job")
	pauseScript            = loadScript("pause")
	resumeScript           = loadScript("resume")
	upsertSchedulerScript  = loadScript("upsert_scheduler")
	nextSchedulerJobScript = loadScript("next_scheduler_job")
	removeSchedulerScript  = loadScript("remove_scheduler")
)

func loadScript(name string) *rueidis.Lua { return rueidis.NewLuaScript(scriptText(name)) }

// scriptText returns a script as it is sent to the server.
func scriptText(name string) string {
	var b strings.Builder
	includeScript(&b, name+".lua", map[string]bool{})
	// A local is found faster than a member of a global table, every single time.
	return "local call = redis.call\n" + strings.ReplaceAll(b.String(), "redis.call(", "call(")
}

func includeScript(b *strings.Builder, file string, done map[string]bool) {
	if done[file] {
		return
	}
	done[file] = true
	text, err := scriptFiles.ReadFile(path.Join("scripts", file))
	if err != nil {
		panic(fmt.Sprintf("bullmq: script %s: %v", file, err))
	}
	var own []string
	for line := range strings.Lines(string(text)) {
		directive, _ := strings.CutPrefix(strings.TrimSpace(line), "--@")
		switch words := strings.Fields(directive); {
		case strings.HasPrefix(line, "--@use "):
			includeScript(b, "lib/"+words[1]+".lua", done)
		case strings.HasPrefix(line, "--@lazy "):
			includeLazily(b, words[1], words[2:], done)
		case !strings.HasPrefix(strings.TrimSpace(line), "--"):
			own = append(own, line)
		}
	}
	for _, line := range own {
		b.WriteString(line)
	}
}

var luaFunction = regexp.MustCompile(`(?m)^local function (\w+)`)

// includeLazily puts libraries into a function that makes theirs when it is first
// called and returns a table of them. What a script defines it makes anew at each
// call, and to make a function costs the server about as much as a tenth of a
// command, so that a script's common path must not pay for what is seldom needed.
func includeLazily(b *strings.Builder, name string, libraries []string, done map[string]bool) {
	var body strings.Builder
	inside := maps.Clone(done)
	for _, library := range libraries {
		includeScript(&body, "lib/"+library+".lua", inside)
	}
	fmt.Fprintf(b, "local made_%[1]s\nlocal function %[1]s()\nif made_%[1]s then return made_%[1]s end\n%[2]smade_%[1]s = {\n", name, body.String())
	for _, match := range luaFunction.FindAllStringSubmatch(body.String(), -1) {
		fmt.Fprintf(b, "%[1]s = %[1]s,\n", match[1])
	}
	fmt.Fprintf(b, "}\nreturn made_%[1]s\nend\n", name)
}
