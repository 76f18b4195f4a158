// Command login is a small login service, the kind that many organisations have:
// people type their name there, get a cookie, and other sites of the same domain
// ask it whose cookie that is. It keeps everything in memory.
//
// The token in the cookie lives for a second or two. Whoever asks about one that
// has run out is given the next, as long as the login behind it goes on.
//
//	GET  /              the login page; ?next= is where to go afterwards
//	POST /login         name, next: logs in
//	GET  /verify        with the cookie: 200 and who it is, or 401
//	GET  /logout        ends the login of the cookie
//	POST /end           name: ends all logins of somebody, as a help desk would
//	POST /trouble       on: answers 503 to every question, or stops doing so
//	GET  /logins        how often the login of whom was asked about, in JSON
package main

import (
	"flag"
	"log"
	"net/http"
	"strings"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address")
	lifetime := flag.Duration("lifetime", 2*time.Second, "how long a token lives")
	sites := flag.String("sites", "http://localhost:8000/", "sites, separated by commas, to which people may be sent back")
	flag.Parse()

	service := newService(*lifetime, strings.Split(*sites, ","))
	server := &http.Server{Addr: *listen, Handler: service.handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Printf("the login service listens on %s; its tokens live %s", *listen, *lifetime)
	log.Fatal(server.ListenAndServe())
}
