// quality puts what a viewer gets into a word and, unless it is good, a reason.
// It takes figures of Player.stats.

export function quality({ state, framesDecoded, lossRate, freezeRate, fps, delayMs }) {
  if (state !== 'live' || framesDecoded === undefined) return '';
  const reasons = [
    // [what, from where it is fair, from where it is poor, in words]
    [freezeRate, 0.01, 0.25, 'the picture freezes'],
    [lossRate, 0.01, 0.05, `${(lossRate * 100).toFixed(1)} % of the packets are lost`],
    [delayMs, 400, 1000, `${Math.round(delayMs)} ms behind`],
    [fps > 0 ? 1 / fps : 0, 1 / 14, 1 / 8, `${fps.toFixed(0)} pictures a second`],
  ];
  const poor = reasons.find(([value, , worst]) => value >= worst);
  if (poor) return `poor: ${poor[3]}`;
  const fair = reasons.find(([value, some]) => value >= some);
  return fair ? `fair: ${fair[3]}` : 'good';
}
