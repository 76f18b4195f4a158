// Package proxy is the data path: it sends a request to an upstream and its
// answer to the client, and moves the bytes of WebSockets.
//
// What it guarantees:
//
//   - Nothing is buffered that is on its way: events, long polls and uploads move
//     as they come. Memory is bounded, however long a body is.
//   - A request is sent twice only if the first time cannot have had an effect.
//   - An answer that ended early never looks complete, and neither does an
//     upload: the connection to whoever waits for the rest is cut.
//   - An answer that two readers could understand differently is refused
//     (RFC 9112, 6.3 and 11.2), and what stands on a connection before the
//     question is never taken for the answer.
//   - No timeout cuts what moves, and an open WebSocket is never cut by one.
//   - Client gone, upstream told: its connection is closed at once.
//   - An idle WebSocket over TCP holds no buffer.
//
// Requests go over connections that are kept, by HTTP/1.1 in this package's own
// words; only h2c upstreams are reached through net/http. The goroutine of the
// handler does all the work, but for uploads that do not end at once, which have a
// goroutine of their own.
package proxy
