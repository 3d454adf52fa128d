"""Whether the server has answered all that a page asked of it, which no element of the page tells.

Between a click and the server's first word on it a page looks as settled as after it: its elements are those of the run
before, and the app's own mark says that nothing runs. So a script in each page listens to its websocket, and marks the
document once the run that followed the last request has ended and was drawn.
"""

from __future__ import annotations

from playwright.sync_api import Page, expect

LISTENING = """(() => {
    // Numbers of the fields of Streamlit's messages, and how a run ends that makes room for the next.
    const RERUN = 11, NEW_SESSION = 4, SCRIPT_FINISHED = 6, FOR_RERUN = 2;
    let isAwaited = true, hasBegun = false;
    const mark = words => document.documentElement?.setAttribute("data-answered", words);
    const drawn = then => requestAnimationFrame(() => requestAnimationFrame(then));

    function fieldsOf(bytes) {
        const found = new Map();
        let at = 0;
        const number = () => {
            for (let value = 0, scale = 1; ; scale *= 128) {
                const byte = bytes[at++];
                value += (byte & 127) * scale;
                if (byte < 128) return value;
            }
        };
        while (at < bytes.length) {
            const key = number(), value = number(), hasLength = (key & 7) === 2;
            found.set(key >> 3, value);
            at += hasLength ? value : 0;
        }
        return found;
    }

    function hear({ data }) {
        const said = data instanceof ArrayBuffer ? fieldsOf(new Uint8Array(data)) : new Map();
        if (said.has(NEW_SESSION)) hasBegun = isAwaited;
        if (!said.has(SCRIPT_FINISHED) || !hasBegun) return;
        hasBegun = false;
        if (said.get(SCRIPT_FINISHED) === FOR_RERUN) return;
        isAwaited = false;
        drawn(() => isAwaited || mark("yes"));
    }

    window.WebSocket = class extends WebSocket {
        constructor(...words) {
            super(...words);
            this.addEventListener("message", hear);
        }

        send(data) {
            if (data instanceof Uint8Array && fieldsOf(data).has(RERUN)) {
                isAwaited = true;
                hasBegun = false;
                mark("no");
            }
            super.send(data);
        }
    };
})()"""


ANSWERED = '[data-answered=yes] [data-testid="stApp"][data-test-script-state="notRunning"]'
DRAWN = "() => new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))"


def settled(page: Page, *, timeout: float | None = None) -> None:
    """Wait until the page shows all that it asked for, the code that draws it included; at most ``timeout`` ms each."""
    page.evaluate(DRAWN)  # some boxes tell of a choice once they were drawn with it
    expect(page.locator(ANSWERED)).to_be_attached(timeout=timeout)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=timeout)
