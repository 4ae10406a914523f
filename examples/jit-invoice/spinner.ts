interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const FRAMES = ['|', '/', '-', '\\'];
const FRAME_MS = 120;
const CLEAR_LINE = '\r\u001b[K';

/** Shows that something is under way; silent where there is no terminal. */
export function spinner(terminal: Terminal): { show(what: string): void; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;

  function clear(): void {
    if (!timer) return;
    clearInterval(timer);
    timer = undefined;
    terminal.write(CLEAR_LINE);
  }

  return {
    clear,
    show(what) {
      clear();
      if (!terminal.isTTY) return;
      timer = setInterval(() => {
        frame = (frame + 1) % FRAMES.length;
        terminal.write(`${CLEAR_LINE}${FRAMES[frame]} ${what}`);
      }, FRAME_MS);
      timer.unref();
    },
  };
}
