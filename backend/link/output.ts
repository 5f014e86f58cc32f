/** output.txt: what the process of a detached run printed itself, outside the run's own log; empty unless something broke. */
export const outputFile = 'output.txt';
