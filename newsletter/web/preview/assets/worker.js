// One stream for all tabs of this browser: it allows six connections to a host, and a seventh tab would wait for ever.

const ports = new Set();
const BEAT = 16000; // milliseconds; the server says something every fifteen seconds
const SILENT = 40000;
let source = null;
let latest = null;
let heard = 0;

function tell(message) {
  latest = message;
  for (const port of ports) port.postMessage(message);
}

/** Whether the stream was silent for longer than so many milliseconds, or is closed for good. */
const isDead = (silent) => Date.now() - heard > silent || source.readyState === EventSource.CLOSED;

function open() {
  source?.close();
  heard = Date.now();
  source = new EventSource("/events");
  source.onmessage = (event) => {
    heard = Date.now();
    tell(JSON.parse(event.data));
  };
  source.addEventListener("beat", () => { heard = Date.now(); });
  source.onerror = () => tell({ lost: true });
}

self.onconnect = (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === "bye") ports.delete(port);
    else { // awake, out of the browser's cache perhaps: it said bye before
      ports.add(port);
      if (latest) port.postMessage(latest);
      if (isDead(BEAT)) open();
    }
  };
  if (latest) port.postMessage(latest);
};

open();
// After a long sleep a stream can be dead without anybody having noticed.
setInterval(() => { if (isDead(SILENT)) open(); }, 2000);
