// A server for server-sent events on Go's standard library: a goroutine and a channel of capacity one per viewer.
//
// Run as `hub PORT`. Each line on standard input is a number and an event in hexadecimal. The first event is sent
// to every new viewer, the others to all viewers; a newer event replaces one that a viewer has not read yet.
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

func (h *hub) subscribe() (chan []byte, []byte) {
	slot := make(chan []byte, 1)
	h.lock.Lock()
	defer h.lock.Unlock()
	h.viewers[slot] = struct{}{}
	return slot, h.first
}

func (h *hub) unsubscribe(slot chan []byte) {
	h.lock.Lock()
	defer h.lock.Unlock()
	delete(h.viewers, slot)
}

func (h *hub) publish(event []byte) {
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

func (h *hub) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("Content-Type", "text/event-stream")
	slot, event := h.subscribe()
	defer h.unsubscribe(slot)
	for {
		if _, err := response.Write(event); err != nil {
			return
		}
		response.(http.Flusher).Flush()
		select {
		case event = <-slot:
		case <-request.Context().Done():
			return
		}
	}
}

func main() {
	server := &hub{viewers: map[chan []byte]struct{}{}}
	http.Handle("/v1/stream", server)
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
		server.publish(event)
	}
}
