package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxStatic bounds the memory that a folder named by mistake can take.
const maxStatic = 32 << 20

// mediaTypes does not depend on what the machine knows of MIME types: a script
// served as text would not run.
var mediaTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".gif":   "image/gif",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".jpeg":  "image/jpeg",
	".jpg":   "image/jpeg",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".mjs":   "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".webp":  "image/webp",
	".woff2": "font/woff2",
}

// asset is a file in memory.
type asset struct {
	mediaType string
	etag      string
	data      []byte
}

func newAsset(mediaType string, data []byte) *asset {
	sum := sha256.Sum256(data)
	return &asset{mediaType: mediaType, etag: `"` + hex.EncodeToString(sum[:8]) + `"`, data: data}
}

// assets are the static files. version changes when any of them does, so that
// scripts may import each other by relative address.
type assets struct {
	version string
	files   map[string]*asset
}

// versionPattern is the form of all versions, ours and those of other releases.
var versionPattern = regexp.MustCompile(`^v-[0-9a-f]{16}$`)

// readAssets reads our files and puts the operator's over them.
func readAssets(override fs.FS) (*assets, error) {
	out := &assets{files: map[string]*asset{}}
	if err := out.read(builtin); err != nil {
		return nil, err
	}
	if override != nil {
		if err := out.read(override); err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(out.files))
	for name := range out.files {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%s %s\n", name, out.files[name].etag)
	}
	out.version = "v-" + hex.EncodeToString(sum.Sum(nil)[:8])
	return out, nil
}

func (a *assets) read(folder fs.FS) error {
	total := 0
	err := fs.WalkDir(folder, "static", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if total += int(min(info.Size(), maxStatic+1)); total > maxStatic {
			return fmt.Errorf("%s: more than %d bytes of static files", file, maxStatic)
		}
		data, err := fs.ReadFile(folder, file)
		if err != nil {
			return err
		}
		a.files[strings.TrimPrefix(file, "static/")] = newAsset(mediaType(file), data)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("page: read static files: %w", err)
	}
	return nil
}

func mediaType(file string) string {
	extension := strings.ToLower(path.Ext(file))
	if known := mediaTypes[extension]; known != "" {
		return known
	}
	if known := mime.TypeByExtension(extension); known != "" {
		return known
	}
	return "application/octet-stream"
}

// serveStatic answers with and without a version in the path. Only the present
// version may be kept for ever: during a rolling upgrade another node's pages
// ask for files of another version here.
func (p *Pages) serveStatic(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, p.options.HubURL+"static/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	cache := "no-cache"
	if version, rest, found := strings.Cut(name, "/"); found && versionPattern.MatchString(version) {
		name = rest
		if version == p.assets.version {
			cache = "public, max-age=31536000, immutable"
		}
	}
	file := p.assets.files[name]
	if file == nil {
		http.NotFound(w, r)
		return
	}
	file.serve(w, r, cache)
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request, cache string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	header := w.Header()
	header.Set("Content-Type", a.mediaType)
	header.Set("Cache-Control", cache)
	header.Set("ETag", a.etag)
	header.Set("X-Content-Type-Options", "nosniff")
	// An image opened by itself is a document of the hub's origin, and an SVG
	// one can hold scripts.
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}

// readLogo checks the operator's logo, or takes ours.
func (p *Pages) readLogo() (*asset, error) {
	data := p.options.Logo
	if len(data) == 0 {
		return p.assets.files["logo.svg"], nil
	}
	kind := http.DetectContentType(data)
	if bytes.Contains(data[:min(len(data), 1024)], []byte("<svg")) {
		kind = "image/svg+xml"
	}
	if !strings.HasPrefix(kind, "image/") {
		return nil, fmt.Errorf("page: the logo is %s, not an image", kind)
	}
	return newAsset(kind, data), nil
}

func (p *Pages) serveLogo(w http.ResponseWriter, r *http.Request) {
	p.logo.serve(w, r, "public, max-age=300")
}
