package board

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/sync/singleflight"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// DefaultPath is where the board is mounted if nothing else is said.
const DefaultPath = "/admin/queues"

// Authenticator knows who makes a request. With a cookie it must refuse
// requests of other origins that change something.
type Authenticator interface {
	Authenticate(r *http.Request) (*auth.Principal, error)
}

// Directory knows which queues there are.
type Directory interface {
	Names(ctx context.Context) ([]string, error)
	Known(ctx context.Context, name string) (bool, error)
}

// Auditor writes down who changed what.
type Auditor interface {
	Record(ctx context.Context, e store.AuditEntry)
}

// Options are the parts that a [Board] works on and its choices.
type Options struct {
	// Redis holds the queues. Required.
	Redis *bullmq.Redis
	// Auth knows who makes a request. Required.
	Auth Authenticator
	// Directory lists the queues. Required.
	Directory Directory
	// Audit is told of changes. Nil leaves them unrecorded.
	Audit Auditor
	// Files are those of the npm package's dist folder. Defaults to [Dist].
	Files fs.FS
	// Path is where the board is mounted, as browsers see it. Defaults to [DefaultPath].
	Path string
	// LoginPath is where people sign in; it is given the page to return to as
	// next. Defaults to "/login".
	LoginPath string
	// Prefix is the key prefix of the queues. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// BodyLimit is the size of the largest body that is taken, in bytes. Defaults to 5 MiB.
	BodyLimit int64
	// Cache is how long the state of all queues is shared between requests.
	// Defaults to 1 s; -1 turns sharing off.
	Cache time.Duration
	// Logger defaults to [slog.Default].
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Files == nil {
		o.Files = Dist()
	}
	o.Path = "/" + strings.Trim(cmp.Or(o.Path, DefaultPath), "/")
	o.LoginPath = cmp.Or(o.LoginPath, "/login")
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.BodyLimit = cmp.Or(o.BodyLimit, 5<<20)
	o.Cache = cmp.Or(o.Cache, time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Board serves the page and its interface. It is safe for concurrent use.
type Board struct {
	opts     Options
	page     []byte // nil if the program was built without the page
	routes   []route
	handler  http.Handler
	flight   singleflight.Group
	overview overviewCache
}

// New returns a board.
func New(opts Options) (*Board, error) {
	if opts.Redis == nil || opts.Auth == nil || opts.Directory == nil {
		return nil, errors.New("board: Redis, an authenticator and a directory are required")
	}
	b := &Board{opts: opts.withDefaults()}
	b.routes = b.table()
	var err error
	if b.page, err = renderPage(b.opts.Files, b.opts.Path); err != nil {
		return nil, err
	}
	b.handler = middleware.Compress(5, "text/html", "text/css", "text/javascript", "application/json", "image/svg+xml")(http.HandlerFunc(b.serve))
	return b, nil
}

// ServeHTTP serves the path the board is mounted at and everything below it.
func (b *Board) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.handler.ServeHTTP(w, r) }

func (b *Board) serve(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), b.opts.Path)
	if !ok || rest != "" && rest[0] != '/' {
		http.NotFound(w, r)
		return
	}
	rest = strings.TrimPrefix(rest, "/")
	switch {
	case strings.HasPrefix(rest, "api/"):
		b.serveAPI(w, r, strings.TrimPrefix(rest, "api/"))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This path takes GET.", http.StatusMethodNotAllowed)
	case strings.HasPrefix(rest, "static/"):
		b.serveAsset(w, r, rest)
	case rest == "session.js":
		b.serveSessionScript(w, r)
	case isPage(rest):
		b.servePage(w, r)
	default:
		http.NotFound(w, r)
	}
}
