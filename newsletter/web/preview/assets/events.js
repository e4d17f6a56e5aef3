// News from the server: through a worker that all tabs share, else through a stream that is closed while hidden.

export function listen(tell) {
  if (typeof SharedWorker === "function") {
    try {
      const worker = new SharedWorker("/assets/worker.js", { name: "newsletter-preview" });
      worker.port.onmessage = (message) => tell(message.data);
      worker.port.start();
      addEventListener("pagehide", () => worker.port.postMessage("bye"));
      addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
      return;
    } catch { /* not allowed here: go on without */ }
  }
  let source = null;
  const open = () => {
    source?.close();
    source = new EventSource("/events");
    source.onmessage = (event) => tell(JSON.parse(event.data));
    source.onerror = () => tell({ lost: true });
  };
  const follow = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) open();
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}
