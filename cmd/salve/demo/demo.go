// Package demo is what `salve demo` needs beside Salve itself: a small shop
// that really breaks, the supervisor that can restart it, and a watcher that
// sees it break and sends Alertmanager webhooks about it over HTTP.
//
// The shop is a process of its own: it leaks memory until its health check
// fails, and it hangs so that no request is answered until it is killed.
// Nothing here knows Salve's inside: the watcher is a sender like any other.
// All addresses are loopback. A failure to start anything is returned; what
// breaks later is what the demo is about.
package demo

// ServiceName is the label and the name under which the shop is supervised.
const ServiceName = "demo-shop"

// The alerts that the watcher sends.
const (
	AlertLeak = "DemoMemoryLeak"   // severity low
	AlertHang = "DemoServiceHangs" // severity high
)
