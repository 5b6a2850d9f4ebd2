const timeline = document.getElementById("timeline");
const clock = document.querySelector("time.now");
const ahead = clock.dataset.now * 1000 - Date.now();
setInterval(() => { clock.firstChild.data = new Date(Date.now() + ahead).toISOString().slice(11, 19); }, 500);
let waiting;
new EventSource("/azcred/journal/events?after=" + timeline.dataset.last).onmessage = () => {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const open = new Set([...timeline.querySelectorAll("details[open]")].map((one) => one.id));
    timeline.innerHTML = await (await fetch("/azcred/pages/timeline")).text();
    timeline.querySelectorAll("details").forEach((one) => { one.open = open.has(one.id); });
  }, 50);
};
