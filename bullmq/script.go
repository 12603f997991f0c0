package bullmq

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/redis/rueidis"
)

//go:embed scripts
var scriptFiles embed.FS

// The scripts, each one atomic operation. A line "--@use name" stands for the
// text of scripts/lib/name.lua, which is put in once, before what uses it.
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

func loadScript(name string) *rueidis.Lua {
	var b strings.Builder
	includeScript(&b, name+".lua", map[string]bool{})
	return rueidis.NewLuaScript(b.String())
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
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--@use "); ok {
			includeScript(b, "lib/"+name+".lua", done)
			continue
		}
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			own = append(own, line)
		}
	}
	for _, line := range own {
		b.WriteString(line)
	}
}
