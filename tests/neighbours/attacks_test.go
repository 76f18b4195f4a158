package neighbours_test

// attack is one of testdata/attacks.js, with how to tell that it has worked.
type attack struct {
	// loot is in what the page got hold of; empty if only the effect counts.
	loot string
	// effect is a pattern of files in ada's home that appear, with USER for whose
	// page it was; with a minus before it they are gone.
	effect string
	// never says that it works on no page of a server, for the edge protects from
	// it what is on the same server too.
	never bool
}

// attacks are all of them. The page of testdata has no others.
var attacks = map[string]attack{
	"fetch, cors":                  {loot: sign},
	"fetch, cors, include":         {loot: sign},
	"fetch, same-origin":           {loot: sign},
	"fetch, no-cors":               {loot: sign},
	"fetch, forged referrer":       {loot: sign},
	"fetch, no referrer":           {loot: sign},
	"fetch after pushState":        {loot: sign},
	"fetch in a worker":            {loot: sign},
	"XMLHttpRequest":               {loot: sign},
	"token of the visit":           {loot: sign},
	"listing":                      {loot: "secret.txt"},
	"terminals":                    {loot: `"name"`},
	"PUT":                          {effect: "put-by-USER.txt"},
	"POST":                         {effect: "*.post-by-USER"},
	"POST, keepalive":              {effect: "*.keepalive-by-USER"},
	"PATCH":                        {effect: "patched-by-USER.txt"},
	"DELETE":                       {effect: "-delete-USER.txt"},
	"method override":              {effect: "*.override-by-USER"},
	"beacon":                       {effect: "*.beacon-by-USER"},
	"form, urlencoded":             {effect: ".ipynb_checkpoints/urlencoded-USER*"},
	"form, multipart":              {effect: ".ipynb_checkpoints/multipart-USER*"},
	"form, text":                   {effect: ".ipynb_checkpoints/text-USER*"},
	"picture":                      {loot: "pixels 1 2 3"},
	"script":                       {loot: sign},
	"module":                       {loot: sign},
	"style":                        {loot: sign},
	"frame":                        {loot: sign},
	"frame, redirected":            {loot: sign},
	"frame, moved by script":       {loot: sign},
	"cookie of a frame":            {loot: "_xsrf="},
	"frame after document.domain":  {loot: sign},
	"frame of the hub":             {never: true},
	"object":                       {loot: sign},
	"window":                       {loot: sign},
	"window of a refusal":          {loot: "_xsrf="},
	"window of the hub":            {loot: "_xsrf="},
	"window of the API":            {loot: `"ada"`},
	"WebSocket to a terminal":      {effect: "terminal-by-USER"},
	"WebSocket to a kernel":        {loot: "open"},
	"WebSocket to events":          {loot: "open"},
	"WebSocket in a worker":        {loot: "open"},
	"WebSocket in a blank frame":   {loot: "open"},
	"WebSocket in a blank window":  {loot: "open"},
	"worker of the victim":         {loot: sign},
	"service worker":               {loot: "/hostile/"},
	"service worker of everything": {never: true},
}
