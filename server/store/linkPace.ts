/** Before anything was measured: less than it takes on any machine. */
const assumedMsPerFile = 0.3;

/** How long linking takes on this machine. */
export class LinkPace {
  #workedMs = 0;
  #files = 0;

  note(workedMs: number, files: number): void {
    this.#workedMs += workedMs;
    this.#files += files;
  }

  /** For so many files. */
  expectedMs(files: number): number {
    return files * (this.#files === 0 ? assumedMsPerFile : this.#workedMs / this.#files);
  }
}
