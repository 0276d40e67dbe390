// A hub for server-sent events on Go's standard library: a goroutine and a channel of one slot for each viewer.
//
// Run as `hub PORT`. A line on its input is a number and the text of an event in hexadecimal form; the first is
// what a viewer is sent when it comes, the others are told to all, the newest in place of one not yet taken.
package main

import (
	"bufio"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"sync"
)

type hub struct {
	lock    sync.Mutex
	first   []byte
	viewers map[chan []byte]struct{}
}

func (h *hub) enter() (chan []byte, []byte) {
	slot := make(chan []byte, 1)
	h.lock.Lock()
	defer h.lock.Unlock()
	h.viewers[slot] = struct{}{}
	return slot, h.first
}

func (h *hub) leave(slot chan []byte) {
	h.lock.Lock()
	defer h.lock.Unlock()
	delete(h.viewers, slot)
}

func (h *hub) tell(event []byte) {
	h.lock.Lock()
	defer h.lock.Unlock()
	if h.first == nil {
		h.first = event
		return
	}
	for slot := range h.viewers {
		select {
		case slot <- event:
		default:
			select {
			case <-slot:
			default:
			}
			slot <- event
		}
	}
}

func (h *hub) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	answer.Header().Set("Content-Type", "text/event-stream")
	slot, event := h.enter()
	defer h.leave(slot)
	for {
		if _, err := answer.Write(event); err != nil {
			return
		}
		answer.(http.Flusher).Flush()
		select {
		case event = <-slot:
		case <-request.Context().Done():
			return
		}
	}
}

func main() {
	told := &hub{viewers: map[chan []byte]struct{}{}}
	http.Handle("/v1/stream", told)
	go func() {
		if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], nil); err != nil {
			panic(err)
		}
	}()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for lines.Scan() {
		event, err := hex.DecodeString(strings.Fields(lines.Text())[1])
		if err != nil {
			panic(err)
		}
		told.tell(event)
	}
}
