// Package board serves Bull Board, the dashboard that many BullMQ users know,
// over JobRunner's queues: its page from the npm package @bull-board/ui, and in Go the
// HTTP interface that the page talks to.
//
// The page's files are copied into dist when the program is built. What a person
// may see and do follows from the sign-in that the rest of JobRunner uses: hidden
// queues are absent, and queues of a viewer are read-only.
package board
