// Client of the control API: calls, and the live stream with reconnection.
const query = new URLSearchParams(location.search);
const token = query.get("token") ?? sessionStorage.getItem("token") ?? "";
if (token) sessionStorage.setItem("token", token);

export async function look(what, params = {}) {
  return answer(await fetch(`/control/${what}?${new URLSearchParams(params)}`, { headers: headers() }));
}

export async function act(what, body = {}, method = "POST") {
  const response = await fetch(`/control/${what}`, {
    method,
    headers: { ...headers(), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer(response);
}

function headers() {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function answer(response) {
  const body = await response.json().catch(() => ({ ok: false, error: `http_${response.status}` }));
  if (!body.ok) throw Object.assign(new Error(body.error ?? "failed"), { body });
  return body;
}

/** Calls `onChange` with every change since `seq`, and `onState(true|false)` when the connection opens or closes. */
export function follow(seq, onChange, onState) {
  let last = seq;
  let pause = 250;
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const guard = token ? `&token=${encodeURIComponent(token)}` : "";
    const socket = new WebSocket(`${scheme}://${location.host}/control/stream?since=${last}${guard}`);
    socket.onopen = () => { pause = 250; onState(true); };
    socket.onmessage = (event) => {
      const change = JSON.parse(event.data);
      if (change.type === "hello") {
        if (change.seq < last) location.reload(); // a new sandbox replaced this one
        return;
      }
      if (change.seq <= last) return;
      last = change.seq;
      onChange(change);
    };
    socket.onclose = () => {
      onState(false);
      setTimeout(open, pause);
      pause = Math.min(pause * 2, 4000);
    };
  };
  open();
}
