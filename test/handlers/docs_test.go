package handlers

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// docs is the page that is tried.
const docs = "../../docs/handlers.md"

// section is a heading of the page with what is below it, as far as the next one.
type section struct {
	title  string
	blocks []block
}

// block is a block of code.
type block struct {
	language string
	text     string
	// file is the path that the line above names, "" for none.
	file string
}

var (
	heading  = regexp.MustCompile(`^#+ (.+)$`)
	fence    = regexp.MustCompile("^```(\\w*)$")
	fileLine = regexp.MustCompile("^`([^`]+)`:$")
)

// readDocs takes the page apart.
func readDocs(t *testing.T) map[string]section {
	t.Helper()
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	sections := map[string]section{}
	var current section
	var open *block
	file := ""
	for line := range strings.Lines(string(text)) {
		bare := strings.TrimRight(line, "\n")
		switch m := fence.FindStringSubmatch(bare); {
		case open != nil && m != nil:
			current.blocks = append(current.blocks, *open)
			sections[current.title] = current
			open, file = nil, ""
		case open != nil:
			open.text += line
		case m != nil:
			open = &block{language: m[1], file: file}
		case heading.MatchString(bare):
			current, file = section{title: heading.FindStringSubmatch(bare)[1]}, ""
		case fileLine.MatchString(bare):
			file = fileLine.FindStringSubmatch(bare)[1]
		case bare != "":
			file = ""
		}
	}
	require.Nil(t, open, "a block of code has no end")
	return sections
}

// follow does what a section says in a folder: it writes the files and runs the
// commands, whose output must be what the page shows behind them.
func (s section) follow(t *testing.T, dir string, env []string) {
	t.Helper()
	require.NotEmpty(t, s.blocks, "the page has no such section")
	printed := ""
	for _, b := range s.blocks {
		switch {
		case b.file != "":
			path := filepath.Join(dir, filepath.FromSlash(b.file))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(b.text), 0o644))
		case b.language == "sh":
			printed = run(t, dir, b.text, env)
		case b.language == "json":
			require.JSONEq(t, b.text, printed)
		}
	}
}

// languages are the sections that end with a handler named shout.
var languages = []string{"TypeScript", "JavaScript", "Python", "Go", "Shell"}

func TestTheShortestHandlerOfEachLanguageRunsFromAnEmptyFolder(t *testing.T) {
	t.Parallel()
	sections := readDocs(t)
	for _, language := range append(languages, "Any other language") {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir, env := t.TempDir(), jobrunner(t)
			began := time.Now()
			sections[language].follow(t, dir, env)
			t.Logf("from the empty folder to the first result: %.2f s", time.Since(began).Seconds())
		})
	}
}

func TestAJobOfEachLanguageCompletesFromAnEmptyFolder(t *testing.T) {
	t.Parallel()
	sections := readDocs(t)
	dev := sections["Run it as a job"]
	require.Contains(t, dev.blocks[0].text, "jobrunner dev")
	require.Contains(t, dev.blocks[1].text, "curl")
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir, env := t.TempDir(), append(jobrunner(t), "JOBRUNNER_LISTEN=127.0.0.1:0")
			began := time.Now()
			sections[language].follow(t, dir, env)
			address := start(t, dir, dev.blocks[0].text, env).find(t, `Web client +(\S+)`)
			submit, ask := splitLast(strings.ReplaceAll(dev.blocks[1].text, "http://127.0.0.1:8080", address))
			// A person looks again if the job has not ended yet.
			answer := run(t, dir, submit+"for i in $(seq 600); do\n  job=$("+ask+")\n"+
				"  case $job in *'\"state\":\"completed\"'*) break;; esac\n  sleep 0.1\ndone\nprintf '%s' \"$job\"\n", env)
			require.Contains(t, answer, `"returnValue":"HELLO"`)
			t.Logf("from the empty folder to the completed job: %.2f s", time.Since(began).Seconds())
		})
	}
}

// splitLast takes the last line of a script off.
func splitLast(script string) (rest, last string) {
	script = strings.TrimRight(script, "\n")
	i := strings.LastIndexByte(script, '\n') + 1
	return script[:i], script[i:]
}

func TestTheExampleForThoseInAHurryIsWritten(t *testing.T) {
	t.Parallel()
	dir, env := t.TempDir(), jobrunner(t)
	first := readDocs(t)["A first handler"]
	first.follow(t, dir, env)
	require.JSONEq(t, `{"greetings":["Hello, Ada!","Hello, Grace!","Hello, Linus!"]}`,
		run(t, dir, "jobrunner handler run handlers/greet.ts", env))
	readDocs(t)["Debugging"].follow(t, dir, env)
}

// The anchors that a page's own links go to are those of its headings.
func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range []string{docs, pluginDocs} {
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			requireLinks(t, page)
		})
	}
}

func requireLinks(t *testing.T, page string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	anchors := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if m := heading.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			anchors[strings.ReplaceAll(strings.ToLower(regexp.MustCompile(`[^\w -]`).ReplaceAllString(m[1], "")), " ", "-")] = true
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		switch target := m[1]; {
		case strings.HasPrefix(target, "#"):
			require.True(t, anchors[target[1:]], "there is no heading for %s", target)
		case !strings.Contains(target, "://"):
			require.FileExists(t, filepath.Join(filepath.Dir(page), target))
		}
	}
}
