import path from 'node:path';
import { examineIndex, type DoctorReport, type Finding } from '../../server/engine/index.ts';
import { exitCodes } from '../exitCodes.ts';
import { counted, printable, type Style } from '../output/terminal.ts';
import { indexAlongside } from '../indexAlongside.ts';
import { modelSettings, withWorkspace, type Session } from '../session.ts';
import { findRoot, readConfig } from '../workspace.ts';

function mark({ level, fixed }: Finding, style: Style): string {
  if (fixed) return style.green('fixed  ');
  switch (level) {
    case 'ok':
      return style.green('ok     ');
    case 'note':
      return style.yellow('note   ');
    case 'problem':
      return style.red('problem');
  }
}

function doctorLines({ root, indexDir, findings, healthy }: DoctorReport, style: Style): string[] {
  const problems = findings.filter(({ level, fixed }) => level === 'problem' && !fixed).length;
  return [
    style.bold(printable(root)),
    `Index      ${printable(indexDir)}`,
    ...findings.flatMap((finding) => [
      `${mark(finding, style)}  ${finding.check.padEnd(12)} ${printable(finding.message)}`,
      ...(finding.hint === null || (finding.fixed && finding.level === 'note')
        ? []
        : [`${' '.repeat(22)} ${style.dim(printable(finding.hint))}`]),
    ]),
    healthy ? 'All is well.' : `${counted(problems, 'problem')} left.`,
  ];
}

/** Looks over the index; with --fix mends it, and makes it anew where that is what it takes. */
export async function doctorCommand(session: Session, { fix }: { fix: boolean }): Promise<number> {
  const { terminal, common, cwd } = session;
  const root = findRoot(common.root, cwd);
  const config = await readConfig(root);
  const report = await examineIndex({
    root,
    model: config.embeddings === 'off' ? null : modelSettings(session, config),
    ...(common.indexDir === undefined ? {} : { indexDir: path.resolve(cwd, common.indexDir) }),
    fix,
  });
  if (fix && report.healthy && report.needsIndex)
    await withWorkspace(session, ({ engine }) => indexAlongside(session, engine, { force: false, wait: true }));
  if (common.json === true) terminal.out(`${JSON.stringify(report)}\n`);
  else terminal.out(`${doctorLines(report, terminal.outStyle).join('\n')}\n`);
  return report.healthy ? exitCodes.ok : exitCodes.indexUnusable;
}
