"""Plays a WHEP stream with aiortc: whep_aiortc.py URL SECONDS.

Prints how many decoded pictures and sound buffers came in the time.
"""
import asyncio
import json
import sys
import urllib.parse
import urllib.request

from aiortc import MediaStreamError, RTCPeerConnection, RTCSessionDescription

url, seconds = sys.argv[1], int(sys.argv[2])
frames = {"video": 0, "audio": 0}


async def count(track):
    try:
        while True:
            await track.recv()
            frames[track.kind] += 1
    except MediaStreamError:
        pass


async def main():
    connection = RTCPeerConnection()
    tasks = []
    connection.on("track", lambda track: tasks.append(asyncio.ensure_future(count(track))))
    for kind in frames:
        connection.addTransceiver(kind, direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp.encode()
    request = urllib.request.Request(url, offer, {"Content-Type": "application/sdp"})
    with urllib.request.urlopen(request) as response:
        session = urllib.parse.urljoin(url, response.headers["Location"])
        answer = response.read().decode()
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.sleep(seconds)
    print(json.dumps(frames), flush=True)
    urllib.request.urlopen(urllib.request.Request(session, method="DELETE"))
    await connection.close()


asyncio.run(main())
