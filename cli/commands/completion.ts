import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';

interface Completable {
  name: string;
  description: string;
  options: { flag: string; description: string }[];
}

function completables(program: Command): Completable[] {
  return program.commands
    .filter((command) => !(command as Command & { _hidden?: boolean })._hidden)
    .map((command) => ({
      name: command.name(),
      description: command.description(),
      options: command.options.map((option) => ({
        flag: option.long ?? option.short ?? '',
        description: option.description,
      })),
    }));
}

function bash(commands: Completable[]): string {
  const cases = commands.map(
    ({ name, options }) => `    ${name}) words="${options.map(({ flag }) => flag).join(' ')}" ;;`,
  );
  return `# contextkit completion for bash: eval "$(contextkit completion bash)"
_contextkit() {
  local words current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  case "$previous" in
    --root|--index-dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --queries) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "markdown xml json plain" -- "$current"); return ;;
    --mode) mapfile -t COMPREPLY < <(compgen -W "full map" -- "$current"); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "${commands.map(({ name }) => name).join(' ')} help" -- "$current")
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ "\${COMP_WORDS[1]}" = why ] && [ "\${#COMPREPLY[@]}" -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi
}
complete -o filenames -F _contextkit contextkit
`;
}

const zshQuoted = (text: string): string => text.replace(/'/g, "'\\''").replace(/[[\]:]/g, '\\$&');

function zsh(commands: Completable[]): string {
  const names = commands.map(({ name, description }) => `    '${name}:${zshQuoted(description)}'`);
  const cases = commands.map(
    ({ name, options }) =>
      `    ${name}) _arguments ${options.map(({ flag, description }) => `'${flag}[${zshQuoted(description)}]'`).join(' ')} '*:file:_files' ;;`,
  );
  return `#compdef contextkit
# contextkit completion for zsh: contextkit completion zsh > "\${fpath[1]}/_contextkit"
_contextkit() {
  local -a commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _contextkit ]; then _contextkit "$@"; else compdef _contextkit contextkit; fi
`;
}

const fishQuoted = (text: string): string => text.replace(/\\/g, '\\\\').replace(/'/g, "\\'");

function fish(commands: Completable[]): string {
  const lines = commands.flatMap(({ name, description, options }) => [
    `complete -c contextkit -n __fish_use_subcommand -f -a ${name} -d '${fishQuoted(description)}'`,
    ...options.map(
      ({ flag, description: says }) =>
        `complete -c contextkit -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')} -d '${fishQuoted(says)}'`,
    ),
  ]);
  return `# contextkit completion for fish: contextkit completion fish | source\n${lines.join('\n')}\n`;
}

const scripts: Record<string, (commands: Completable[]) => string> = { bash, zsh, fish };

/** The completion script of a shell, made from the commands themselves. */
export function completionScript(shell: string, program: Command): string {
  const script = scripts[shell];
  if (script === undefined) {
    throw new AppError('invalid_input', `there is no completion for "${shell}"`, {
      hint: 'Use one of: bash, zsh, fish.',
    });
  }
  return script(completables(program));
}
