import { getContainerRuntimeClient } from 'testcontainers';

/** Whether a container runtime answers on this machine; says in one line what is left out where none does. */
export async function containersAnswer(whatIsSkipped: string): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    process.stdout.write(`skipped, for no container runtime answers: ${whatIsSkipped}\n`);
    return false;
  }
}
