// The socket: opened with the access token as sub-protocol, opened again when it is lost.
import { accessToken } from './api.js';

const RECONNECT_MS_MIN = 250;
const RECONNECT_MS_MAX = 4_000;
const KEY = 'connection_key';
const KEY_IN_USE = 'connection_key_in_use';
const SIGNED_OUT = 1_008;
/** The service closed this connection because another with the same key took its place. */
const REPLACED = 4_001;

/**
 * Keeps one connection open. `clonesKey`: a duplicated tab uses the key of the first. Callbacks: `frame`
 * with each parsed frame, `unreadable` for one that is no JSON object, `lost` when the connection is gone
 * (true if it had been open), `ended` when it may not be opened again (true if the user signed out).
 */
export function createConnection({ clonesKey }, callbacks) {
  const key = takeKey(clonesKey);
  let socket = null;
  let pauseMs = RECONNECT_MS_MIN;
  let closed = false;

  function open() {
    const address = new URL('/ws', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.searchParams.set('key', key);
    let opened = false;
    socket = new WebSocket(address, ['jwt-auth', `jwt.${accessToken()}`]);
    socket.addEventListener('open', () => {
      opened = true;
      pauseMs = RECONNECT_MS_MIN;
    });
    socket.addEventListener('message', ({ data }) => read(data));
    socket.addEventListener('close', ({ code }) => {
      if (closed) return;
      if (code === SIGNED_OUT || code === REPLACED) {
        callbacks.ended(code === SIGNED_OUT);
        return;
      }
      callbacks.lost(opened);
      setTimeout(() => closed || open(), pauseMs);
      pauseMs = Math.min(RECONNECT_MS_MAX, pauseMs * 2);
    });
  }

  function read(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      // A frame that cannot be read must not stop the ones after it.
      callbacks.unreadable();
      return;
    }
    if (typeof frame === 'object' && frame !== null) callbacks.frame(frame);
    else callbacks.unreadable();
  }

  return {
    open,
    send: (frame) => socket.send(JSON.stringify(frame)),
    close: () => {
      closed = true;
      socket?.close();
    },
  };
}

/** Forgets the connection key of this tab. */
export function forgetConnectionKey() {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(KEY_IN_USE);
}

// Each tab has a connection key. A duplicated tab starts with a copy of this one's sessionStorage, so
// the mark that says "in use" comes along with the key and tells it to make its own.
function takeKey(clonesKey) {
  const known = sessionStorage.getItem(KEY);
  const reusable = known !== null && (clonesKey || sessionStorage.getItem(KEY_IN_USE) === null);
  const key = reusable ? known : crypto.randomUUID();
  sessionStorage.setItem(KEY, key);
  sessionStorage.setItem(KEY_IN_USE, 'true');
  addEventListener('pagehide', () => sessionStorage.removeItem(KEY_IN_USE));
  return key;
}
