#!/usr/bin/env python3
"""asyncio_echo.py - an echo peer that is not ours: python's asyncio, at either end.

  asyncio_echo.py tcp-server | udp-server               serves on a free port of 127.0.0.1 until it is killed
  asyncio_echo.py tcp-client | udp-client PORT <in >out   sends stdin, prints what comes back
"""
import asyncio
import sys


async def echo_stream(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def tcp_server(_):
    server = await asyncio.start_server(echo_stream, "127.0.0.1", 0)
    await server.serve_forever()


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def udp_server(_):
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(EchoDatagrams, local_addr=("127.0.0.1", 0))
    await asyncio.Event().wait()


async def tcp_client(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send():
        writer.write(sys.stdin.buffer.read())
        await writer.drain()
        writer.write_eof()

    sender = asyncio.create_task(send())
    sys.stdout.buffer.write(await reader.read())
    await sender
    writer.close()


class OneAnswer(asyncio.DatagramProtocol):
    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.answer.set_result(data)

    def error_received(self, exc):
        self.answer.set_exception(exc)


async def udp_client(port):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(OneAnswer, remote_addr=("127.0.0.1", port))
    transport.sendto(sys.stdin.buffer.read())
    sys.stdout.buffer.write(await asyncio.wait_for(protocol.answer, 10))
    transport.close()


ROLES = {"tcp-server": tcp_server, "udp-server": udp_server, "tcp-client": tcp_client, "udp-client": udp_client}
asyncio.run(ROLES[sys.argv[1]](int(sys.argv[2]) if len(sys.argv) > 2 else 0))
